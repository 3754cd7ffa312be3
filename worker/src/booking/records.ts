import type { Booking, BookingRequest } from "../shared/bookings.ts";

/** Who asks for a booking, under which key, and the digest of what is wanted. */
export interface Asked {
  actor: string;
  requestKey: string;
  requestDigest: string;
}

const COLUMNS = "id, resource, starts_at AS startsAt, ends_at AS endsAt, status, created_at AS createdAt";

export function findBooking(db: D1Database, id: string): Promise<Booking | null> {
  return db.prepare(`SELECT ${COLUMNS} FROM bookings WHERE id = ?`).bind(id).first<Booking>();
}

/** Returns the booking that a request key led to before, and the digest of what was wanted then. */
export async function findByKey(
  db: D1Database,
  requestKey: string,
): Promise<{ booking: Booking; requestDigest: string } | null> {
  const row = await db
    .prepare(`SELECT ${COLUMNS}, request_digest AS requestDigest FROM bookings WHERE request_key = ?`)
    .bind(requestKey)
    .first<Booking & { requestDigest: string }>();
  if (row === null) return null;
  const { requestDigest, ...booking } = row;
  return { booking, requestDigest };
}

/** Writes member, booking and consent in one transaction. Writing the same booking again changes nothing. */
export async function record(db: D1Database, booking: Booking, wanted: BookingRequest, asked: Asked): Promise<void> {
  const statements = [
    db
      .prepare("INSERT INTO members (id, email, created_at) VALUES (?, ?, ?) ON CONFLICT (email) DO NOTHING")
      .bind(crypto.randomUUID(), wanted.memberEmail, booking.createdAt),
    db
      .prepare(
        `INSERT INTO bookings (id, member_id, resource, starts_at, ends_at, status, request_key, request_digest,
                               created_at, updated_at)
         SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ? FROM members WHERE email = ?
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(
        booking.id,
        booking.resource,
        booking.startsAt,
        booking.endsAt,
        booking.status,
        asked.requestKey,
        asked.requestDigest,
        booking.createdAt,
        booking.createdAt,
        wanted.memberEmail,
      ),
  ];
  if (wanted.consent) {
    statements.push(
      db
        .prepare(
          `INSERT INTO consent_logs (id, member_id, booking_id, purpose, granted, given_at)
           SELECT ?, id, ?, 'booking-reminders', 1, ? FROM members WHERE email = ?
           ON CONFLICT (id) DO NOTHING`,
        )
        .bind(`${booking.id}:booking-reminders`, booking.id, booking.createdAt, wanted.memberEmail),
    );
  }
  await db.batch(statements);
}

/** Takes a booking back that could not be announced. */
export async function erase(db: D1Database, id: string): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM consent_logs WHERE booking_id = ?").bind(id),
    db.prepare("DELETE FROM bookings WHERE id = ?").bind(id),
  ]);
}

/**
 * Removes a pending booking, and its member unless something else is known of that person; what a member agreed to is
 * kept (AUD-2). Returns false when the booking is no longer pending.
 */
export async function forget(db: D1Database, id: string): Promise<boolean> {
  const member = await db.prepare("SELECT member_id FROM bookings WHERE id = ?").bind(id).first<string>("member_id");
  const [, removed] = await db.batch([
    db
      .prepare(
        `UPDATE consent_logs SET booking_id = NULL
         WHERE booking_id IN (SELECT id FROM bookings WHERE id = ? AND status = 'pending')`,
      )
      .bind(id),
    db.prepare("DELETE FROM bookings WHERE id = ? AND status = 'pending'").bind(id),
    db
      .prepare(
        `DELETE FROM members WHERE id = ? AND NOT EXISTS (SELECT 1 FROM bookings WHERE member_id = members.id)
         AND NOT EXISTS (SELECT 1 FROM consent_logs WHERE member_id = members.id)`,
      )
      .bind(member),
  ]);
  return (removed?.meta.changes ?? 0) > 0;
}

/** Returns false when the booking is no longer pending. */
export async function markConfirmed(db: D1Database, id: string, now: string): Promise<boolean> {
  const { meta } = await db
    .prepare("UPDATE bookings SET status = 'confirmed', updated_at = ? WHERE id = ? AND status = 'pending'")
    .bind(now, id)
    .run();
  return meta.changes > 0;
}
