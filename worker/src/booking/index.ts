// Takes bookings. Only other Workers of the stage call it; it has no hostname.

import { bookingRequest } from "../shared/bookings.ts";
import { databaseProbe, health } from "../shared/health.ts";
import { ID, json, Refusal, serve, type Call } from "../shared/http.ts";
import { readJson } from "../shared/input.ts";
import { book, confirm, identify, withdraw } from "./book.ts";
import type { Env } from "./env.d.ts";
import { findBooking } from "./records.ts";

export { BookingLedger } from "./ledger.ts";

export default {
  fetch: serve<Env>({
    "/health": { GET: checkHealth },
    "/bookings": { POST: create },
    [`/bookings/${ID}`]: { GET: show, DELETE: withdrawOne },
    [`/bookings/${ID}/confirm`]: { POST: confirmOne },
  }),
} satisfies ExportedHandler<Env>;

async function create({ request, env, log }: Call<Env>): Promise<Response> {
  const wanted = bookingRequest(await readJson(request));
  const asked = await identify(wanted, request.headers.get("Idempotency-Key"), actorOf(request));
  const { booking, replayed } = await book(env, log, wanted, asked);
  log.info("booked", { category: "booking", bookingId: booking.id, resource: booking.resource, replayed });
  return json(booking, replayed ? 200 : 201);
}

async function show({ env, params }: Call<Env>): Promise<Response> {
  const booking = await findBooking(env.DB, params.id ?? "");
  if (booking === null) throw new Refusal(404, "NO_BOOKING", "There is no such booking.");
  return json(booking);
}

async function confirmOne({ request, env, params, log }: Call<Env>): Promise<Response> {
  const booking = await confirm(env, params.id ?? "", actorOf(request));
  log.info("confirmed", { category: "booking", bookingId: booking.id, resource: booking.resource });
  return json(booking);
}

async function withdrawOne({ request, env, params, log }: Call<Env>): Promise<Response> {
  const booking = await withdraw(env, params.id ?? "", actorOf(request));
  log.info("withdrawn", { category: "booking", bookingId: booking.id, resource: booking.resource });
  return json(booking);
}

function checkHealth({ env, log }: Call<Env>): Promise<Response> {
  return health(env, log, {
    database: databaseProbe(env.DB, ["members", "bookings", "consent_logs", "audit_logs"]),
    ledger: async () => env.LEDGER.get(env.LEDGER.idFromName("health")).ping(),
  });
}

function actorOf(request: Request): string {
  return request.headers.get("X-Actor") ?? "unknown";
}
