import { PENDING_MINUTES, type BookingEvent } from "../shared/bookings.ts";

/** Checks what came out of the queue: a message may be older than the code, or come from somewhere else. */
export function readEvent(body: unknown): BookingEvent {
  const event = body as Partial<Record<keyof BookingEvent, unknown>> | null;
  for (const field of ["id", "type", "bookingId", "resource", "startsAt", "endsAt", "actor", "occurredAt"] as const) {
    if (typeof event?.[field] !== "string") throw new TypeError(`event has no text in ${field}`);
  }
  return event as BookingEvent;
}

/** Writes an event to the audit log, once however often it arrives: queues deliver at least once. */
export async function keep(db: D1Database, event: BookingEvent, now: Date): Promise<void> {
  const { id, type, bookingId, actor, occurredAt, ...details } = event;
  await db
    .prepare(
      `INSERT INTO audit_logs (id, action, subject, actor, details, occurred_at, recorded_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .bind(id, type, bookingId, actor, JSON.stringify(details), occurredAt, now.toISOString())
    .run();
}

/** Closes bookings that were pending for too long and notes it in the audit log, at once. Returns how many. */
export async function closeForgotten(db: D1Database, now: Date): Promise<number> {
  const asOf = now.toISOString();
  const before = new Date(now.getTime() - PENDING_MINUTES * 60_000).toISOString();
  const [, closed] = await db.batch([
    db
      .prepare(
        `INSERT INTO audit_logs (id, action, subject, actor, details, occurred_at, recorded_at)
         SELECT id || ':booking.closed', 'booking.closed', id, 'clerk',
                json_object('resource', resource, 'startsAt', starts_at, 'endsAt', ends_at), ?, ?
         FROM bookings WHERE status = 'pending' AND created_at <= ?
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(asOf, asOf, before),
    db
      .prepare("UPDATE bookings SET status = 'closed', updated_at = ? WHERE status = 'pending' AND created_at <= ?")
      .bind(asOf, before),
  ]);
  return closed?.meta.changes ?? 0;
}
