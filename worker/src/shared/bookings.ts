import { instant, optional, parse, text, wholeNumber, Wrong, yesOrNo, type Rule } from "./input.ts";

/** A booking that nobody confirmed for this long is given up: the ledger frees its slot, the clerk closes its row. */
export const PENDING_MINUTES = 30;

export interface BookingRequest {
  memberEmail: string;
  resource: string;
  /** UTC, as `Date.toISOString` writes it, so that text order is time order. */
  startsAt: string;
  endsAt: string;
  minutes: number;
  /** Whether the member agreed to be reminded by e-mail. */
  consent: boolean;
}

export interface Booking {
  id: string;
  resource: string;
  startsAt: string;
  endsAt: string;
  status: "pending" | "confirmed" | "closed";
  createdAt: string;
}

/** What `booking` announces to whoever listens. The id is the same however often the event is sent. */
export interface BookingEvent {
  id: string;
  type: "booking.created" | "booking.confirmed" | "booking.withdrawn";
  bookingId: string;
  resource: string;
  startsAt: string;
  endsAt: string;
  /** A pseudonym of the session that asked; events carry no personal data (AUD-5). */
  actor: string;
  occurredAt: string;
}

/** Checks a request for a booking. Refuses with 400 and all faults. */
export function bookingRequest(body: unknown): BookingRequest {
  const { memberEmail, startsAt, minutes, ...rest } = parse(body, {
    memberEmail: text("an e-mail address", 254, /^[^\s@]+@[^\s@]+\.[^\s@]+$/),
    resource: text("lower-case letters, digits and hyphens, at most 64", 64, /^[a-z0-9][a-z0-9-]*$/),
    startsAt: inTheFuture,
    minutes: wholeNumber(15, 480),
    consent: optional(yesOrNo, false),
  });
  return {
    ...rest,
    memberEmail: memberEmail.toLowerCase(),
    startsAt: startsAt.toISOString(),
    endsAt: new Date(startsAt.getTime() + minutes * 60_000).toISOString(),
    minutes,
  };
}

const inTheFuture: Rule<Date> = (value) => {
  const date = instant(value);
  if (date.getTime() <= Date.now()) throw new Wrong("must lie in the future");
  return date;
};

export function pendingUntil(createdAt: string): string {
  return new Date(Date.parse(createdAt) + PENDING_MINUTES * 60_000).toISOString();
}
