// The only Worker with a hostname. It checks what comes in, knows who asks, and leaves the work to the others: it has
// no store of theirs, so a fault in here cannot touch a booking or a conversation.

import { bookingRequest } from "../shared/bookings.ts";
import { chatRequest } from "../shared/chat.ts";
import { forward } from "../shared/forward.ts";
import { health, WORKER_PATIENCE, workerProbe } from "../shared/health.ts";
import { ID, json, Refusal, serve, type Call } from "../shared/http.ts";
import { readJson } from "../shared/input.ts";
import type { Env } from "./env.d.ts";
import { refuseDuringMaintenance } from "./maintenance.ts";
import { homePage } from "./page.ts";
import { findSession, openSession, type Session } from "./session.ts";

const BOOKING_PATIENCE = 10_000;
const CHAT_PATIENCE = 40_000;

export default {
  fetch: serve<Env>(
    {
      "/": { GET: ({ env }) => homePage(env) },
      "/health": { GET: checkHealth },
      "/api/bookings": { POST: createBooking },
      [`/api/bookings/${ID}`]: { GET: showBooking, DELETE: withdrawBooking },
      [`/api/bookings/${ID}/confirm`]: { POST: confirmBooking },
      "/api/chat": { POST: chat },
      [`/api/chat/${ID}`]: { GET: showChat },
    },
    ({ request, env }) => {
      if (new URL(request.url).pathname !== "/health") refuseDuringMaintenance(env);
    },
  ),
} satisfies ExportedHandler<Env>;

async function createBooking(call: Call<Env>): Promise<Response> {
  const body = await readJson(call.request);
  bookingRequest(body);
  const session = await openSession(call.env, call.request);
  const key = call.request.headers.get("Idempotency-Key");
  return pass(call, call.env.BOOKING, BOOKING_PATIENCE, "/bookings", session, {
    method: "POST",
    body: JSON.stringify(body),
    headers: key === null ? {} : { "Idempotency-Key": key },
  });
}

/** Whoever has the id of a booking may see it; the answer holds no person. */
function showBooking(call: Call<Env>): Promise<Response> {
  return pass(call, call.env.BOOKING, BOOKING_PATIENCE, `/bookings/${call.params.id}`, null);
}

async function confirmBooking(call: Call<Env>): Promise<Response> {
  const session = await openSession(call.env, call.request);
  const path = `/bookings/${call.params.id}/confirm`;
  return pass(call, call.env.BOOKING, BOOKING_PATIENCE, path, session, { method: "POST" });
}

async function withdrawBooking(call: Call<Env>): Promise<Response> {
  const session = await findSession(call.env, call.request);
  const path = `/bookings/${call.params.id}`;
  return pass(call, call.env.BOOKING, BOOKING_PATIENCE, path, session, { method: "DELETE" });
}

async function chat(call: Call<Env>): Promise<Response> {
  const body = await readJson(call.request);
  chatRequest(body);
  const session = await openSession(call.env, call.request);
  return pass(call, call.env.ASSISTANT, CHAT_PATIENCE, "/conversations", session, {
    method: "POST",
    body: JSON.stringify(body),
  });
}

/** A conversation belongs to the session that started it. */
async function showChat(call: Call<Env>): Promise<Response> {
  const session = await findSession(call.env, call.request);
  if (session === null) throw new Refusal(404, "NO_CONVERSATION", "There is no such conversation of yours.");
  return pass(call, call.env.ASSISTANT, CHAT_PATIENCE, `/conversations/${call.params.id}`, session);
}

function checkHealth(call: Call<Env>): Promise<Response> {
  const { env, log } = call;
  return health(
    env,
    log,
    {
      sessions: async () => void (await env.SESSIONS.get("health")),
      booking: workerProbe(call, env.BOOKING),
      assistant: workerProbe(call, env.ASSISTANT),
    },
    WORKER_PATIENCE,
  );
}

interface Passed {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** Asks another Worker on behalf of a session and hands its answer on. */
async function pass(
  call: Call<Env>,
  service: Fetcher,
  patience: number,
  path: string,
  session: Session | null,
  { headers, ...init }: Passed = {},
): Promise<Response> {
  const answer = await forward(call, service, path, {
    ...init,
    headers: {
      ...headers,
      "Content-Type": "application/json",
      ...(session === null ? {} : { "X-Actor": session.actor }),
    },
    signal: AbortSignal.timeout(patience),
  }).catch((error: unknown) => {
    call.log.error("another Worker did not answer", { path, error });
    throw new Refusal(503, "UNAVAILABLE", "This is not available now. Please try again.");
  });
  return json(await answer.json(), answer.status, session?.cookie ? { "Set-Cookie": session.cookie } : {});
}
