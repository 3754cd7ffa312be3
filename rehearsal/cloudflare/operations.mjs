// What a proof may ask of a running stage. Each takes the stage and the request's members, and returns plain JSON.

import { ENV_PATH, SECRET_HEADER } from "./entry.mjs";
import { INTERNAL, Refusal } from "./stage.mjs";

const PATIENCE = 30_000; // ms; a Worker that never answers must not hold up the stage for ever
const { CONTROL } = INTERNAL;

const d1 = (stage, id) => known(stage, "databases", id) && stage.miniflare.getD1Database(id, CONTROL);
const kv = (stage, id) => known(stage, "namespaces", id) && stage.miniflare.getKVNamespace(id, CONTROL);
const r2 = (stage, id) => known(stage, "buckets", id) && stage.miniflare.getR2Bucket(id, CONTROL);

export const OPERATIONS = {
  state: (stage) => ({
    url: stage.url.origin,
    persist: stage.persist,
    workers: stage.running.workers.map(({ name, routes, requires }) => ({ name, routes, classes: requires.classes })),
    stores: stage.running.stores,
    crons: stage.running.crons,
  }),

  async fetch(stage, { worker, path, method, headers, body, host }) {
    const target = await workerOf(stage, worker);
    const request = { method, headers, redirect: "manual", body: body === null ? undefined : decode(body) };
    const response = await inTime(target.fetch(`http://${host}${path}`, request)).catch(asAnswer);
    const content = Buffer.from(await response.arrayBuffer()).toString("base64");
    return { status: response.status, headers: Object.fromEntries(response.headers), body: content };
  },

  async env_keys(stage, { worker }) {
    const target = await workerOf(stage, worker);
    const headers = { [SECRET_HEADER]: stage.secret };
    return (await inTime(target.fetch(`http://rehearsal${ENV_PATH}`, { headers }))).json();
  },

  async d1_query(stage, { id, sql, params }) {
    const { results } = await (await d1(stage, id)).prepare(sql).bind(...params).run();
    return results ?? [];
  },

  async d1_batch(stage, { id, statements }) {
    const database = await d1(stage, id);
    await database.batch(statements.map(({ sql, params }) => database.prepare(sql).bind(...params)));
  },

  async kv_list(stage, { id, prefix }) {
    const namespace = await kv(stage, id);
    return everyPage((cursor) => namespace.list({ prefix, cursor }), "keys");
  },
  kv_get: async (stage, { id, key }) => (await kv(stage, id)).get(key),
  kv_put: async (stage, { id, key, value, seconds }) =>
    (await kv(stage, id)).put(key, value, seconds === null ? {} : { expirationTtl: seconds }),
  kv_delete: async (stage, { id, key }) => (await kv(stage, id)).delete(key),

  async r2_list(stage, { bucket, prefix }) {
    const target = await r2(stage, bucket);
    const objects = await everyPage((cursor) => target.list({ prefix, cursor }), "objects");
    return objects.map(({ key, size, etag, uploaded }) => ({ key, size, etag, uploaded: uploaded.toISOString() }));
  },
  r2_is_empty: async (stage, { bucket }) => (await (await r2(stage, bucket)).list({ limit: 1 })).objects.length === 0,
  async r2_get(stage, { bucket, key }) {
    const object = await (await r2(stage, bucket)).get(key);
    return object === null ? null : Buffer.from(await object.arrayBuffer()).toString("base64");
  },
  r2_put: async (stage, { bucket, key, value }) => void (await (await r2(stage, bucket)).put(key, decode(value))),
  r2_delete: async (stage, { bucket, key }) => (await r2(stage, bucket)).delete(key),
  s3: (stage) => ({ endpoint: `${stage.url.origin}/cdn-cgi/local/r2/s3`, ...stage.s3Credentials }),

  async queue_send(stage, { queue, messages }) {
    known(stage, "queues", queue);
    const producer = await stage.miniflare.getQueueProducer(queue, CONTROL);
    await producer.sendBatch(messages.map((body) => ({ body })));
  },
  queue_held: (stage, { queue }) => known(stage, "queues", queue) && (stage.held.get(queue) ?? []),

  async scheduled(stage, { worker, cron, time }) {
    const crons = stage.running.crons[worker] ?? [];
    if (!crons.includes(cron)) {
      throw new Refusal(`Worker ${worker} has no cron trigger ${cron}; it has: ${crons.join(", ") || "none"}`);
    }
    const target = await workerOf(stage, worker);
    return inTime(target.scheduled({ cron, scheduledTime: time === null ? undefined : new Date(time) }));
  },

  egress: (stage) => stage.egress,
};

function known(stage, kind, id) {
  const names = stage.running.stores[kind];
  if (!names.includes(id)) throw new Refusal(`no ${id} among this stage's ${kind}: ${names.join(", ") || "none"}`);
  return true;
}

function workerOf(stage, name) {
  const live = stage.running.workers.map((worker) => worker.name);
  if (!live.includes(name)) throw new Refusal(`no Worker ${name} is deployed; deployed: ${live.join(", ") || "none"}`);
  return stage.miniflare.getWorker(name);
}

// What a visitor gets when a Worker throws; only the rehearsal's own refusals are errors of the question.
function asAnswer(error) {
  if (error instanceof Refusal) throw error;
  return new Response(String(error?.stack ?? error), { status: 500 });
}

async function everyPage(list, member) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor);
    found.push(...page[member]);
    cursor = page.list_complete || page.truncated === false ? undefined : page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(`the Worker did not answer within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function decode(base64) {
  return Buffer.from(base64, "base64");
}
