-- What a member agreed to; kept long, because it must be provable later (AUD-2).
CREATE TABLE consent_logs (
  id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL REFERENCES members (id),
  booking_id TEXT REFERENCES bookings (id),
  purpose TEXT NOT NULL CHECK (purpose <> ''),
  granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
  given_at TEXT NOT NULL CHECK (given_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;

CREATE INDEX consent_logs_by_member ON consent_logs (member_id, given_at);
CREATE INDEX consent_logs_by_booking ON consent_logs (booking_id);
CREATE INDEX consent_logs_by_time ON consent_logs (given_at);

-- What happened. The id is that of the event, so an event that arrives twice is kept once. No personal data in here.
CREATE TABLE audit_logs (
  id TEXT PRIMARY KEY,
  action TEXT NOT NULL CHECK (action <> ''),
  subject TEXT NOT NULL CHECK (subject <> ''),
  actor TEXT NOT NULL CHECK (actor <> ''),
  details TEXT NOT NULL CHECK (json_valid(details)),
  occurred_at TEXT NOT NULL CHECK (occurred_at GLOB '????-??-??T??:??:??.???Z'),
  recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;

CREATE INDEX audit_logs_by_time ON audit_logs (occurred_at);
CREATE INDEX audit_logs_by_subject ON audit_logs (subject, occurred_at);
