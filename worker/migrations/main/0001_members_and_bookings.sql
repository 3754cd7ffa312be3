-- Times are UTC in ISO 8601 with milliseconds, as Date.toISOString writes them, so text order is time order.

CREATE TABLE members (
  id TEXT PRIMARY KEY,
  email TEXT UNIQUE CHECK (email = lower(email)),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
  -- A member who left keeps the id, so bookings and audit stay whole, and loses the address (AUD-5).
  erased_at TEXT CHECK (erased_at GLOB '????-??-??T??:??:??.???Z'),
  CHECK ((email IS NULL) = (erased_at IS NOT NULL))
) STRICT;

CREATE TABLE bookings (
  id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL REFERENCES members (id),
  resource TEXT NOT NULL CHECK (resource <> ''),
  starts_at TEXT NOT NULL CHECK (starts_at GLOB '????-??-??T??:??:??.???Z'),
  ends_at TEXT NOT NULL CHECK (ends_at GLOB '????-??-??T??:??:??.???Z'),
  status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'closed')),
  -- SHA-256 of member and idempotency key, and of everything that was asked for under it.
  request_key TEXT NOT NULL UNIQUE CHECK (length(request_key) = 64),
  request_digest TEXT NOT NULL CHECK (length(request_digest) = 64),
  created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
  updated_at TEXT NOT NULL CHECK (updated_at GLOB '????-??-??T??:??:??.???Z'),
  CHECK (ends_at > starts_at)
) STRICT;

CREATE INDEX bookings_by_member ON bookings (member_id);
CREATE INDEX bookings_by_resource ON bookings (resource, starts_at);
-- For the clerk, who looks for the oldest pending ones every quarter of an hour.
CREATE INDEX bookings_pending ON bookings (created_at) WHERE status = 'pending';
