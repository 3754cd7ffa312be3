import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarbor } from "./harbor.mjs";

async function withHarbor(options, body) {
  const harbor = await startHarbor(options);
  try {
    await body(harbor);
  } finally {
    await harbor.miniflare.dispose();
  }
}

test("a healthy stage says so, check by check", () =>
  withHarbor({}, async ({ call, miniflare }) => {
    const { status, json } = await call("/health");
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.status, "ok");
    assert.equal(json.stage, "development");
    assert.equal(json.version.release, "0123456789ab");
    assert.ok(json.version.id);
    assert.ok(Math.abs(Date.parse(json.timestamp) - Date.now()) < 60_000);
    assert.deepEqual(Object.keys(json.checks), ["sessions", "booking", "assistant"]);
    assert.deepEqual(Object.keys(json.checks.booking.checks), ["database", "ledger"]);
    assert.deepEqual(Object.keys(json.checks.assistant.checks), ["answers", "transcripts", "model"]);
    assert.ok(Object.values(json.checks).every(({ ok, ms }) => ok && ms >= 0));

    const clerk = await (await miniflare.getWorker("clerk")).fetch("http://clerk/health");
    assert.deepEqual([clerk.status, (await clerk.json()).checks.database.ok], [200, true]);
    assert.equal((await (await miniflare.getWorker("clerk")).fetch("http://clerk/")).status, 404);

    const head = await call("/health", { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
  }));

test("before the migrations, the database check fails and everything else is fine", () =>
  withHarbor({ migrated: false }, async ({ call }) => {
    const { status, json } = await call("/health");
    assert.equal(status, 503);
    assert.equal(json.status, "failed");
    assert.equal(json.checks.booking.ok, false);
    assert.deepEqual(
      { ...json.checks.booking.checks.database, ms: 0 },
      { ok: false, ms: 0, detail: "tables are missing; apply the migrations" },
    );
    assert.equal(json.checks.booking.checks.ledger.ok, true);
    assert.equal(json.checks.assistant.ok, true);
  }));

test("a lost dependency is named without saying what went wrong inside", () =>
  withHarbor({ without: ["web.SESSIONS", "assistant.TRANSCRIPTS"] }, async ({ call, lines }) => {
    const { status, json, text } = await call("/health");
    assert.equal(status, 503);
    assert.equal(json.checks.sessions.detail, "unavailable");
    assert.equal(json.checks.assistant.checks.transcripts.ok, false);
    assert.equal(json.checks.assistant.checks.answers.ok, true);
    assert.ok(!text.includes("undefined"));
    assert.ok(lines.some((line) => line.includes("dependency failed") && line.includes("undefined")));
  }));

test("a queue that is gone takes the booking back", () =>
  withHarbor({ without: ["booking.EVENTS"] }, async ({ call, query }) => {
    const json = { memberEmail: "ann@example.com", resource: "pier-1", startsAt: "2099-05-01T09:00:00Z", minutes: 60 };
    const answers = [];
    for (const _ of [1, 2]) answers.push(await call("/api/bookings", { method: "POST", json }));
    // The second would be 409 had the first one kept its slot.
    assert.deepEqual(answers.map(({ status, json: { code } }) => [status, code]), Array(2).fill([503, "UNAVAILABLE"]));
    assert.deepEqual(await query("SELECT id FROM bookings"), []);
  }));

test("during maintenance everything but health is refused", () => {
  const end = new Date(Date.now() + 3_600_000).toISOString();
  return withHarbor({ variables: { MAINTENANCE_MODE: "true", MAINTENANCE_END_TIME: end } }, async ({ call }) => {
    for (const path of ["/", "/api/bookings", "/nowhere"]) {
      const { status, json, headers } = await call(path);
      assert.deepEqual([status, json.code, json.estimatedEnd], [503, "MAINTENANCE", end]);
      const wait = Number(headers.get("Retry-After"));
      assert.ok(wait > 3500 && wait <= 3600, `${wait}`);
    }
    const { status, json } = await call("/health");
    assert.deepEqual([status, json.status], [200, "maintenance"]);
  });
});

test("the page links to what there is and lets nothing foreign in", () =>
  withHarbor({ variables: { ENVIRONMENT: "<b>" } }, async ({ call }) => {
    const { status, text, headers } = await call("/");
    assert.equal(status, 200);
    assert.ok(text.includes('href="/health"') && !text.includes("<b>"));
    assert.match(headers.get("Content-Security-Policy"), /default-src 'none'/);
  }));

const versionsIn = (headers) =>
  Object.fromEntries(headers.get("X-Version").split(", ").map((each) => /^(.+)="(.+)"$/.exec(each).slice(1)));

test("each answer says which versions had a part in it", () =>
  withHarbor({}, async ({ call }) => {
    const [web, booking, assistant] = ["web", "booking", "assistant"].map((name) => `harbor-development-${name}`);
    const heard = async (path, init) => {
      const { status, headers } = await call(path, init);
      return [status, Object.keys(versionsIn(headers))];
    };
    assert.deepEqual(await heard("/"), [200, [web]]);
    assert.deepEqual(await heard(`/api/bookings/${crypto.randomUUID()}`), [404, [web, booking]]);
    assert.deepEqual(await heard("/nowhere"), [404, [web]]);
    assert.deepEqual(await heard("/health"), [200, [web, booking, assistant]]);
    const { json, headers } = await call("/health");
    assert.equal(versionsIn(headers)[web], json.version.id);
    const chat = await heard("/api/chat", { method: "POST", json: { message: "hello" } });
    assert.deepEqual(chat, [201, [web, assistant]]);
  }));

const ECHO = `export default {
  fetch(request) {
    return Response.json(Object.fromEntries(request.headers), { headers: { "X-Version": 'echo="1"' } });
  },
};`;

test("what chooses a version is handed on, and nothing else of the visitor's", () =>
  withHarbor({ instead: { booking: ECHO } }, async ({ call }) => {
    const path = `/api/bookings/${crypto.randomUUID()}`;
    const chosen = { "cloudflare-workers-version-overrides": 'booking="7"', "cloudflare-workers-version-key": "k" };
    const { json, headers } = await call(path, { headers: { ...chosen, "X-Actor": "a thief", "X-Version": "x" } });
    for (const [name, value] of Object.entries(chosen)) assert.equal(json[name], value);
    assert.deepEqual([json["x-actor"], json["x-version"]], [undefined, undefined]);
    assert.match(headers.get("X-Version"), /^harbor-development-web="[^"]+", echo="1"$/);
    const plain = await call(path);
    for (const name of Object.keys(chosen)) assert.ok(!(name in plain.json));
  }));

test("LOG_LEVEL silences what is below it", () =>
  withHarbor({ variables: { LOG_LEVEL: "warn" } }, async ({ call, lines }) => {
    await call("/nowhere");
    assert.deepEqual(lines, []);
  }));
