// The order of things: the ledger decides, the database keeps, the queue tells. Every step may be repeated without
// harm, so a client that got no answer asks again under the same Idempotency-Key.

import { PENDING_MINUTES, type Booking, type BookingEvent, type BookingRequest } from "../shared/bookings.ts";
import { sha256 } from "../shared/digest.ts";
import { Refusal } from "../shared/http.ts";
import type { Logger } from "../shared/log.ts";
import type { Env } from "./env.d.ts";
import { type Asked, erase, findBooking, findByKey, forget, markConfirmed, record } from "./records.ts";

/**
 * Tells requests apart. A key counts for one member only, so two members may choose the same one; it is hashed together
 * with the address, so that the ledger learns neither.
 */
export async function identify(wanted: BookingRequest, idempotencyKey: string | null, actor: string): Promise<Asked> {
  if (idempotencyKey !== null && !/^[\x21-\x7e]{1,128}$/.test(idempotencyKey)) {
    throw new Refusal(400, "INVALID", "A header is not right.", {
      faults: [{ field: "Idempotency-Key", message: "must be 1 to 128 visible ASCII characters" }],
    });
  }
  const { memberEmail, resource, startsAt, endsAt, consent } = wanted;
  return {
    actor,
    requestKey: await sha256(`${memberEmail}\n${idempotencyKey ?? crypto.randomUUID()}`),
    requestDigest: await sha256(JSON.stringify([memberEmail, resource, startsAt, endsAt, consent])),
  };
}

/** Books a slot. Refuses with 409 when it is taken, 422 when the key stood for another request, 503 on a failure. */
export async function book(
  env: Env,
  log: Logger,
  wanted: BookingRequest,
  asked: Asked,
): Promise<{ booking: Booking; replayed: boolean }> {
  const known = await findByKey(env.DB, asked.requestKey);
  if (known !== null) {
    if (known.requestDigest !== asked.requestDigest) throw keyReused();
    return { booking: known.booking, replayed: true };
  }

  const { resource, startsAt, endsAt } = wanted;
  const createdAt = new Date().toISOString();
  const ledger = ledgerOf(env, resource);
  const { requestKey } = asked;
  const held = await ledger.hold({ id: crypto.randomUUID(), requestKey, resource, startsAt, endsAt, createdAt });
  if (held.outcome === "taken") {
    throw new Refusal(409, "SLOT_TAKEN", `${resource} is booked at that time.`);
  }
  if (held.outcome === "key-reused") throw keyReused();

  const booking: Booking = { id: held.id, resource, startsAt, endsAt, status: "pending", createdAt: held.createdAt };
  try {
    await record(env.DB, booking, wanted, asked);
    await env.EVENTS.send(event("booking.created", booking, asked.actor, booking.createdAt));
  } catch (error) {
    log.error("booking could not be kept", { category: "booking", bookingId: booking.id, error });
    // Whoever took the slot gives it back. Should that fail too, the slot lapses and the clerk closes the row.
    if (held.isNew) await Promise.allSettled([erase(env.DB, booking.id), ledger.release(booking.id)]);
    throw new Refusal(503, "UNAVAILABLE", "The booking could not be kept. Please try again.");
  }
  return { booking, replayed: !held.isNew };
}

/** Confirms a booking. Refuses with 404 when there is none, 409 when it was given up. */
export async function confirm(env: Env, id: string, actor: string): Promise<Booking> {
  const booking = await findBooking(env.DB, id);
  if (booking === null) throw new Refusal(404, "NO_BOOKING", "There is no such booking.");
  const now = new Date().toISOString();
  if (booking.status !== "confirmed") {
    const ledger = ledgerOf(env, booking.resource);
    // First the ledger: should the database fail now, a slot is kept too long, but never given to two people.
    if (booking.status === "closed" || !(await ledger.confirm(id, now))) throw givenUp();
    if (!(await markConfirmed(env.DB, id, now)) && (await findBooking(env.DB, id))?.status !== "confirmed") {
      await ledger.release(id);
      throw givenUp();
    }
  }
  // Told again when asked again: the first time may have failed just here, and the event keeps its id.
  await env.EVENTS.send(event("booking.confirmed", booking, actor, now));
  return { ...booking, status: "confirmed" };
}

/** Takes a booking back that is not confirmed yet; whoever has its id may. Only the audit log remembers it. */
export async function withdraw(env: Env, id: string, actor: string): Promise<Booking> {
  const booking = await findBooking(env.DB, id);
  if (booking === null) throw new Refusal(404, "NO_BOOKING", "There is no such booking.");
  // First the database: should the ledger fail now, the slot lapses by itself.
  if (!(await forget(env.DB, id))) {
    throw new Refusal(409, "NOT_PENDING", "Only a booking that waits for its confirmation can be withdrawn.");
  }
  await ledgerOf(env, booking.resource).release(id);
  await env.EVENTS.send(event("booking.withdrawn", booking, actor, new Date().toISOString()));
  return { ...booking, status: "closed" };
}

function ledgerOf(env: Env, resource: string) {
  return env.LEDGER.get(env.LEDGER.idFromName(resource));
}

function event(type: BookingEvent["type"], booking: Booking, actor: string, occurredAt: string): BookingEvent {
  const { id: bookingId, resource, startsAt, endsAt } = booking;
  return { id: `${bookingId}:${type}`, type, bookingId, resource, startsAt, endsAt, actor, occurredAt };
}

function keyReused(): Refusal {
  return new Refusal(422, "KEY_REUSED", "This Idempotency-Key was used for another request. Choose a new one.");
}

function givenUp(): Refusal {
  return new Refusal(409, "GIVEN_UP", `The booking was not confirmed within ${PENDING_MINUTES} minutes.`);
}
