// What a proof may ask of a running stage. Each takes the stage and the request's members, and returns plain JSON.

import { ENV_PATH, SECRET_HEADER } from "./entry.mjs";
import { CONTROL, bindingOf } from "./internal.mjs";
import { pull, settle } from "./leases.mjs";
import { Refusal } from "./stage.mjs";
import { codesOf } from "./workers.mjs";

const PATIENCE = 30_000; // ms; a Worker that never answers must not hold up the stage for ever
const LATE = { error: "D1 DB storage operation exceeded timeout which caused object to be reset." }; // D1, "Debug D1"
const KINDS = { d1: "databases", kv: "namespaces", r2: "buckets", queue: "queues" };

const OPERATIONS = {
  state: (stage) => ({
    url: stage.url.origin,
    persist: stage.persist,
    workers: stage.running.workers.map((worker) => ({
      name: worker.name,
      routes: worker.routes,
      classes: codesOf(worker)[0].requires.classes,
    })),
    stores: stage.running.stores,
    crons: stage.running.crons,
  }),

  async fetch(stage, { worker, path, method, headers, body, host }) {
    const target = await workerOf(stage, worker);
    const content = body === null ? undefined : Buffer.from(body, "base64");
    const request = { method, headers, redirect: "manual", body: content };
    const response = await inTime(target.fetch(`http://${host}${path}`, request)).catch(asAnswer);
    const answer = Buffer.from(await response.arrayBuffer()).toString("base64");
    return { status: response.status, headers: Object.fromEntries(response.headers), body: answer };
  },

  async env_keys(stage, { worker }) {
    const [code] = codesOf(known(stage, worker));
    const target = await stage.miniflare.getWorker(code.name);
    const headers = { [SECRET_HEADER]: stage.secret };
    return (await inTime(target.fetch(`http://rehearsal${ENV_PATH}`, { headers }))).json();
  },

  async scheduled(stage, { worker, cron, time }) {
    const crons = stage.running.crons[worker] ?? [];
    if (!crons.includes(cron)) {
      throw new Refusal(`Worker ${worker} has no cron trigger ${cron}; it has: ${crons.join(", ") || "none"}`);
    }
    const target = await workerOf(stage, worker);
    return inTime(target.scheduled({ cron, scheduledTime: time === null ? undefined : new Date(time) }));
  },

  queue_held: (stage, { store }) => stage.held.get(store) ?? [],
  queue_pull: (stage, given) =>
    pull(stage, given, (store, messages) => perform(stage, "queue_push", { store, messages })),
  queue_settle: settle,

  queue_purge(stage, { store }) {
    if (!stage.running.held.includes(store)) {
      throw new Refusal(`what waits for the Worker that consumes ${store} cannot be taken back; pause its delivery first`);
    }
    stage.held.delete(store);
  },
  counted: (stage, given) => stage.counted(given),
  egress: (stage) => stage.egress,
  s3: (stage) => ({ endpoint: `${stage.url.origin}/cdn-cgi/local/r2/s3`, ...stage.s3Credentials }),
};

class Late extends Refusal {}

/** Performs an operation by name. The first word of a store's operation is the kind of store. */
export async function perform(stage, name, given) {
  const kind = name.split("_")[0];
  if (Object.hasOwn(KINDS, kind)) mustExist(stage, KINDS[kind], given.store);
  if (Object.hasOwn(OPERATIONS, name)) return OPERATIONS[name](stage, given);
  if (!Object.hasOwn(KINDS, kind)) throw new Refusal(`no operation ${name}`);
  const { store, ...rest } = given;
  const body = JSON.stringify({ operation: name, binding: bindingOf(kind, store), ...rest });
  const control = await stage.miniflare.getWorker(CONTROL);
  const headers = { [SECRET_HEADER]: stage.secret };
  const response = await inTime(control.fetch("http://control/", { method: "POST", headers, body })).catch((error) => {
    if (kind === "d1" && error instanceof Late) return Response.json(LATE);
    throw error;
  });
  const value = await response.json();
  if (!response.ok) throw new Error(value.error);
  return value;
}

function mustExist(stage, kind, name) {
  const names = stage.running.stores[kind];
  if (!names.includes(name)) throw new Refusal(`no ${name} among this stage's ${kind}: ${names.join(", ") || "none"}`);
}

function workerOf(stage, name) {
  return stage.miniflare.getWorker(known(stage, name).name);
}

function known(stage, name) {
  const live = stage.running.workers;
  const found = live.find((worker) => worker.name === name);
  if (found !== undefined) return found;
  throw new Refusal(`no Worker ${name} is deployed; deployed: ${live.map((worker) => worker.name).join(", ") || "none"}`);
}

// What a visitor gets when a Worker throws; only the rehearsal's own refusals are errors of the question.
function asAnswer(error) {
  if (error instanceof Refusal) throw error;
  return new Response(String(error?.stack ?? error), { status: 500 });
}

async function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Late(`the Worker did not answer within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
