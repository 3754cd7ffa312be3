import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startHarbor } from "./harbor.mjs";

let harbor;
before(async () => (harbor = await startHarbor()));
after(() => harbor?.miniflare.dispose());

const HOUR = 3_600_000;
const at = (hours) => new Date(Math.ceil(Date.now() / HOUR) * HOUR + hours * HOUR).toISOString();
const ANN = { memberEmail: "Ann@example.com", resource: "pier-1", minutes: 60 };
const wish = (changes = {}) => ({ ...ANN, startsAt: at(24), ...changes });
const book = (json, headers = {}) => harbor.call("/api/bookings", { method: "POST", json, headers });

test("a booking is kept, shown and written to the audit log", async () => {
  const made = await book(wish({ resource: "kept", consent: true }));
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.status, "pending");
  assert.equal(Date.parse(made.json.endsAt) - Date.parse(made.json.startsAt), HOUR);
  assert.ok(!made.text.includes("example.com"));

  const shown = await harbor.call(`/api/bookings/${made.json.id}`);
  assert.deepEqual([shown.status, shown.json], [200, made.json]);

  const [member] = await harbor.query("SELECT email FROM members");
  assert.equal(member.email, "ann@example.com");
  const consents = await harbor.query("SELECT purpose, granted FROM consent_logs WHERE booking_id = ?", made.json.id);
  assert.deepEqual(consents, [{ purpose: "booking-reminders", granted: 1 }]);

  const [audit] = await eventually(async () => {
    const rows = await harbor.query("SELECT * FROM audit_logs WHERE subject = ?", made.json.id);
    return rows.length > 0 && rows;
  });
  assert.equal(audit.action, "booking.created");
  assert.match(audit.actor, /^session:[0-9a-f]{32}$/);
  assert.equal(JSON.parse(audit.details).resource, "kept");
  assert.ok(!JSON.stringify(audit).includes("ann@"));
});

test("overlapping bookings of one resource are refused, touching ones and other resources are not", async () => {
  const first = await book(wish({ resource: "busy" }));
  const inside = await book(wish({ resource: "busy", startsAt: at(24.5), minutes: 15 }));
  const after = await book(wish({ resource: "busy", startsAt: at(25) }));
  const elsewhere = await book(wish({ resource: "free" }));
  assert.deepEqual([first.status, inside.status, after.status, elsewhere.status], [201, 409, 201, 201]);
  assert.equal(inside.json.code, "SLOT_TAKEN");
  const rows = await harbor.query("SELECT count(*) AS n FROM bookings WHERE resource = 'busy'");
  assert.equal(rows[0].n, 2);
});

test("of many who want the same slot at once, one gets it", async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => book(wish({ resource: "contested" }))));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [201, ...Array.from({ length: 11 }, () => 409)]);
});

test("the same key gives the same booking, also at once, and refuses another wish", async () => {
  const headers = { "Idempotency-Key": "key-1" };
  const json = wish({ resource: "once" });
  const together = await Promise.all([book(json, headers), book(json, headers), book(json, headers)]);
  const later = await book(json, headers);
  assert.equal(new Set([...together, later].map((answer) => answer.json.id)).size, 1);
  assert.equal(together.filter(({ status }) => status === 201).length, 1);
  assert.equal(later.status, 200);

  const other = await book({ ...json, minutes: 90 }, headers);
  assert.deepEqual([other.status, other.json.code], [422, "KEY_REUSED"]);
  const stranger = await book({ ...json, memberEmail: "bob@example.com", startsAt: at(48) }, headers);
  assert.equal(stranger.status, 201);
  const malformed = await book(json, { "Idempotency-Key": "k".repeat(129) });
  assert.equal(malformed.status, 400);
});

test("the clerk closes what nobody confirmed, and leaves what somebody did", async () => {
  const forgotten = (await book(wish({ resource: "forgotten" }))).json;
  const wanted = (await book(wish({ resource: "wanted" }))).json;
  const confirmed = await harbor.call(`/api/bookings/${wanted.id}/confirm`, { method: "POST" });
  assert.deepEqual([confirmed.status, confirmed.json.status], [200, "confirmed"]);

  const again = await harbor.call(`/api/bookings/${wanted.id}/confirm`, { method: "POST" });
  assert.deepEqual([again.status, again.json], [200, confirmed.json]);

  const clerk = await harbor.miniflare.getWorker("clerk");
  const statuses = async () => {
    const query = "SELECT status FROM bookings WHERE id IN (?, ?) ORDER BY resource";
    return (await harbor.query(query, forgotten.id, wanted.id)).map(({ status }) => status);
  };
  await clerk.scheduled({ scheduledTime: new Date(Date.now() + 29 * 60_000), cron: "*/15 * * * *" });
  assert.deepEqual(await statuses(), ["pending", "confirmed"]);
  await clerk.scheduled({ scheduledTime: new Date(Date.now() + 31 * 60_000), cron: "*/15 * * * *" });
  assert.deepEqual(await statuses(), ["closed", "confirmed"]);
  const audit = await harbor.query("SELECT actor FROM audit_logs WHERE id = ?", `${forgotten.id}:booking.closed`);
  assert.deepEqual(audit, [{ actor: "clerk" }]);

  const tooLate = await harbor.call(`/api/bookings/${forgotten.id}/confirm`, { method: "POST" });
  assert.deepEqual([tooLate.status, tooLate.json.code], [409, "GIVEN_UP"]);
});

test("a slot that nobody confirmed is free again after 30 minutes, a confirmed one is not", async () => {
  const ledgers = await harbor.miniflare.getDurableObjectNamespace("LEDGER", "booking");
  const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const hold = (resource, createdAt) =>
    ledgers
      .get(ledgers.idFromName(resource))
      .hold({ id: resource, requestKey: resource, resource, startsAt: at(24), endsAt: at(25), createdAt });
  await hold("lapsed", minutesAgo(31));
  await hold("fresh", minutesAgo(29));
  await hold("settled", minutesAgo(31));
  await ledgers.get(ledgers.idFromName("settled")).confirm("settled", minutesAgo(10));

  const answers = await Promise.all(["lapsed", "fresh", "settled"].map((resource) => book(wish({ resource }))));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 409, 409],
  );
});

test("an event that arrives twice is kept once, a broken one is retried and spoils nothing", async () => {
  const clerk = await harbor.miniflare.getWorker("clerk");
  const event = {
    id: "b-1:booking.created",
    type: "booking.created",
    bookingId: "b-1",
    resource: "pier-1",
    startsAt: at(1),
    endsAt: at(2),
    actor: "test",
    occurredAt: at(0),
  };
  const timestamp = new Date();
  const result = await clerk.queue("events", [
    { id: "m-1", timestamp, attempts: 1, body: event },
    { id: "m-2", timestamp, attempts: 2, body: { ...event, actor: undefined } },
    { id: "m-3", timestamp, attempts: 1, body: event },
  ]);
  assert.deepEqual(result.explicitAcks, ["m-1", "m-3"]);
  assert.deepEqual(result.retryMessages, [{ msgId: "m-2", delaySeconds: 60 }]);
  assert.equal((await harbor.query("SELECT id FROM audit_logs WHERE subject = 'b-1'")).length, 1);
});

test("all faults of a request come at once", async () => {
  const answer = await book({ memberEmail: "no", resource: "Pier 1", startsAt: "tomorrow", minutes: 7.5, extra: 1 });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json.faults.map(({ field }) => field).sort(), [
    "extra",
    "memberEmail",
    "minutes",
    "resource",
    "startsAt",
  ]);
  const past = await book(wish({ startsAt: "2020-01-01T00:00:00Z" }));
  assert.deepEqual(past.json.faults, [{ field: "startsAt", message: "must lie in the future" }]);
});

test("what cannot be read is refused with its own status", async () => {
  const send = (body, type = "application/json") =>
    harbor.miniflare.dispatchFetch("http://harbor.test/api/bookings", {
      method: "POST",
      body,
      headers: { "Content-Type": type },
    });
  assert.equal((await send("{")).status, 400);
  assert.equal((await send("[]")).status, 400);
  assert.equal((await send("a=1", "application/x-www-form-urlencoded")).status, 415);
  assert.equal((await send(JSON.stringify({ memberEmail: "x".repeat(20_000) }))).status, 413);
});

test("unknown paths and wrong methods are told apart", async () => {
  const unknown = await harbor.call("/nowhere");
  assert.deepEqual([unknown.status, unknown.json.code], [404, "NOT_FOUND"]);
  const wrong = await harbor.call("/api/bookings", { method: "DELETE" });
  assert.deepEqual([wrong.status, wrong.headers.get("Allow")], [405, "POST"]);
  const none = await harbor.call(`/api/bookings/${crypto.randomUUID()}`);
  assert.deepEqual([none.status, none.json.code], [404, "NO_BOOKING"]);
});

test("logs are JSON lines without addresses, and nothing called out", () => {
  const lines = harbor.lines.map((line) => JSON.parse(line));
  const booked = lines.find(({ message }) => message === "booked");
  assert.equal(booked.service, "harbor-development-booking");
  assert.equal(booked.category, "booking");
  assert.ok(lines.every(({ level, timestamp }) => level && !Number.isNaN(Date.parse(timestamp))));
  assert.ok(!harbor.lines.join("\n").includes("@example.com"));
  assert.deepEqual(harbor.egress, []);
});

const withdraw = (id) => harbor.call(`/api/bookings/${id}`, { method: "DELETE" });

test("a pending booking can be withdrawn: its slot is free and nothing is left but the audit log", async () => {
  const json = wish({ resource: "regretted", memberEmail: "eve@example.com" });
  const { id } = (await book(json)).json;
  const withdrawn = await withdraw(id);
  assert.deepEqual([withdrawn.status, withdrawn.json.status], [200, "closed"]);
  assert.equal((await harbor.call(`/api/bookings/${id}`)).status, 404);
  assert.deepEqual(await harbor.query("SELECT id FROM members WHERE email = 'eve@example.com'"), []);
  assert.equal((await withdraw(id)).json.code, "NO_BOOKING");
  assert.equal((await book(wish({ resource: "regretted" }))).status, 201);

  const actions = await eventually(async () => {
    const rows = await harbor.query("SELECT action FROM audit_logs WHERE subject = ? ORDER BY occurred_at", id);
    return rows.length === 2 && rows.map(({ action }) => action);
  });
  assert.deepEqual(actions, ["booking.created", "booking.withdrawn"]);
});

test("what else is known of a member outlives a withdrawn booking", async () => {
  const ours = { memberEmail: "zoe@example.com" };
  const known = () => harbor.query("SELECT id FROM members WHERE email = ?", ours.memberEmail);
  const kept = (await book(wish({ ...ours, resource: "zoe-1" }))).json;
  const agreed = (await book(wish({ ...ours, resource: "zoe-2", consent: true }))).json;
  assert.equal((await withdraw(agreed.id)).status, 200);
  assert.equal((await withdraw(kept.id)).status, 200);
  const [member] = await known();
  const consents = await harbor.query("SELECT booking_id, granted FROM consent_logs WHERE member_id = ?", member.id);
  assert.deepEqual(consents, [{ booking_id: null, granted: 1 }], "what somebody agreed to must stay provable");
});

test("a confirmed booking is not withdrawn", async () => {
  const { id } = (await book(wish({ resource: "promised", consent: true }))).json;
  await harbor.call(`/api/bookings/${id}/confirm`, { method: "POST" });
  const refused = await withdraw(id);
  assert.deepEqual([refused.status, refused.json.code], [409, "NOT_PENDING"]);
  assert.equal((await harbor.call(`/api/bookings/${id}`)).json.status, "confirmed");
  const consents = await harbor.query("SELECT id FROM consent_logs WHERE booking_id = ?", id);
  assert.equal(consents.length, 1);
});
