import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startHarbor } from "./harbor.mjs";

let harbor;
let bucket;
before(async () => {
  harbor = await startHarbor();
  bucket = await harbor.miniflare.getR2Bucket("TRANSCRIPTS", "assistant");
});
after(() => harbor?.miniflare.dispose());

const say = (json, cookie) => harbor.call("/api/chat", { method: "POST", json, ...(cookie ? { cookie } : {}) });
const transcript = async (id) => JSON.parse(await (await bucket.get(`conversations/${id}.json`)).text());

test("a conversation is answered, remembered and written to its transcript", async () => {
  const first = await say({ message: "When do you open?" });
  assert.equal(first.status, 201, first.text);
  const { conversationId, answer } = first.json;
  assert.deepEqual([first.json.cached, first.json.turns], [false, 2]);

  const second = await say({ conversationId, message: "And on Sunday?" }, first.cookie);
  assert.deepEqual([second.status, second.json.turns], [200, 4]);
  assert.equal(second.cookie, undefined);

  const shown = await harbor.call(`/api/chat/${conversationId}`, { cookie: first.cookie });
  assert.deepEqual(
    shown.json.turns.map(({ role, content }) => [role, content]),
    [
      ["user", "When do you open?"],
      ["assistant", answer],
      ["user", "And on Sunday?"],
      ["assistant", second.json.answer],
    ],
  );
  assert.deepEqual(await transcript(conversationId), shown.json);
});

test("the same first question is answered from the cache, in other letters too; a follow-up is not", async () => {
  const answers = await harbor.miniflare.getKVNamespace("ANSWERS", "assistant");
  const kept = async () => (await answers.list({ prefix: "answer:" })).keys.length;
  const before = await kept();
  const first = await say({ message: "Is there parking?" });
  await eventually(async () => (await kept()) > before);
  const again = await say({ message: "  is there   PARKING? " });
  assert.deepEqual([again.json.cached, again.json.answer], [true, first.json.answer]);
  assert.notEqual(again.json.conversationId, first.json.conversationId);

  const other = await say({ message: "Are dogs allowed?" });
  const followUp = await say({ conversationId: other.json.conversationId, message: "Is there parking?" }, other.cookie);
  assert.equal(followUp.json.cached, false);
});

test("a conversation belongs to the session that started it", async () => {
  const mine = await say({ message: "Who am I?" });
  const stranger = await say({ message: "Who are you?" });
  const id = mine.json.conversationId;
  assert.equal((await harbor.call(`/api/chat/${id}`)).status, 404);
  assert.equal((await harbor.call(`/api/chat/${id}`, { cookie: stranger.cookie })).status, 404);
  assert.equal((await say({ conversationId: id, message: "hello" }, stranger.cookie)).status, 404);
  const forged = mine.cookie.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  assert.equal((await harbor.call(`/api/chat/${id}`, { cookie: forged })).status, 404);
  assert.equal((await harbor.call(`/api/chat/${id}`, { cookie: "__Host-session=nonsense.zz" })).status, 404);
  assert.equal((await harbor.call(`/api/chat/${id}`, { cookie: mine.cookie })).status, 200);
});

test("the session cookie is locked down and its session is kept", async () => {
  const answer = await say({ message: "cookie?" });
  const header = answer.headers.get("Set-Cookie");
  for (const part of ["__Host-session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=86400"]) {
    assert.ok(header.includes(part), part);
  }
  const sessions = await harbor.miniflare.getKVNamespace("SESSIONS", "web");
  const id = answer.cookie.split("=")[1].split(".")[0];
  assert.ok(await sessions.get(`session:${id}`));
  await sessions.delete(`session:${id}`);
  assert.equal((await harbor.call(`/api/chat/${answer.json.conversationId}`, { cookie: answer.cookie })).status, 404);
});

test("when the model fails, nothing is half-written", async () => {
  const first = await say({ message: "All well?" });
  const { conversationId } = first.json;
  const failed = await say({ conversationId, message: "break now" }, first.cookie);
  assert.deepEqual([failed.status, failed.json.code], [503, "NO_ANSWER"]);
  assert.ok(!failed.text.includes("out of order"));
  assert.equal((await transcript(conversationId)).turns.length, 2);
  const next = await say({ conversationId, message: "Better?" }, first.cookie);
  assert.deepEqual([next.status, next.json.turns], [200, 4]);

  const count = async () => (await bucket.list({ prefix: "conversations/" })).objects.length;
  const before = await count();
  assert.equal((await say({ message: "break at once" })).status, 503);
  assert.equal(await count(), before);
});

test("a second message has to wait for the first one's answer", async () => {
  const first = await say({ message: "Ready?" });
  const { conversationId } = first.json;
  const both = await Promise.all(
    ["slow one", "slow two"].map((message) => say({ conversationId, message }, first.cookie)),
  );
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
  assert.equal(both.find(({ status }) => status === 409).json.code, "BUSY");
});

test("bad messages are refused with every fault", async () => {
  const answer = await say({ conversationId: "one", message: " ", mood: "good" });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json.faults.map(({ field }) => field).sort(), ["conversationId", "message", "mood"]);
});
