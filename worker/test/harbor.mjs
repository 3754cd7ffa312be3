// The whole product in one Miniflare: the built bundles with exactly the bindings of infra/product.py.

import { readdir, readFile } from "node:fs/promises";
import { Log, LogLevel, Miniflare } from "miniflare";

const root = `${import.meta.dirname}/..`;

const AI_STUB = `export default (env) => {
  let calls = 0;
  return {
    async run(model, { messages }) {
      const word = messages.at(-1).content;
      if (word.includes("break")) throw new Error("the model is out of order");
      if (word.includes("slow")) await new Promise((resolve) => setTimeout(resolve, 300));
      return { response: "answer " + ++calls + " to " + word };
    },
  };
};`;

const VARIABLES = {
  CACHE_TTLS: {
    staticSeconds: 86400,
    apiSeconds: 3600,
    rulesSeconds: 300,
    sessionSeconds: 86400,
    profileSeconds: 3600,
    experimentSeconds: 300,
    defaultSeconds: 3600,
  },
  ENVIRONMENT: "development",
  FEATURE_FLAGS: {},
  LOG_LEVEL: "info",
  LOG_REDACT: "true",
  MAINTENANCE_END_TIME: "",
  MAINTENANCE_MODE: "false",
  NODE_ENV: "development",
  RELEASE: "0123456789ab",
  STAGE: "development",
  TZ: "Asia/Tokyo",
};

/**
 * Starts the product. `variables` replace stage variables; `without` names bindings to leave out, as `worker.BINDING`;
 * `instead` are sources that stand for a Worker's own, by its name.
 * Returns Miniflare, `call(path, init)`, `query(sql)`, `lines` (what the Workers logged) and `egress` (what they called
 * outside).
 */
export async function startHarbor({ variables = {}, migrated = true, without = [], instead = {} } = {}) {
  const lines = [];
  const egress = [];

  async function worker(name, rest) {
    const kept = Object.entries(rest).map(([kind, given]) => [
      kind,
      given !== null && typeof given === "object"
        ? Object.fromEntries(Object.entries(given).filter(([binding]) => !without.includes(`${name}.${binding}`)))
        : given,
    ]);
    return {
      name,
      compatibilityDate: "2026-07-01",
      modules: [{ type: "ESModule", path: "index.js", contents: instead[name] ?? (await readFile(`${root}/dist/${name}.js`, "utf8")) }],
      versionMetadata: "VERSION",
      outboundService: (request) => {
        egress.push(request.url);
        return new Response("no way out", { status: 502 });
      },
      bindings: { ...VARIABLES, SERVICE_NAME: `harbor-development-${name}`, ...variables },
      ...Object.fromEntries(kept),
    };
  }

  const web = await worker("web", {
    kvNamespaces: { SESSIONS: "sessions" },
    serviceBindings: { BOOKING: "booking", ASSISTANT: "assistant" },
  });
  web.bindings.SESSION_KEY = "a made-up key of the test";
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    cf: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ message }) => void lines.push(message),
    workers: [
      web,
      await worker("booking", {
        durableObjects: { LEDGER: { className: "BookingLedger", useSQLite: true } },
        d1Databases: { DB: "main" },
        queueProducers: { EVENTS: "events" },
      }),
      await worker("assistant", {
        durableObjects: { CONVERSATION: { className: "Conversation", useSQLite: true } },
        kvNamespaces: { ANSWERS: "answers" },
        r2Buckets: { TRANSCRIPTS: "transcripts" },
        wrappedBindings: { AI: "ai" },
      }),
      await worker("clerk", {
        d1Databases: { DB: "main" },
        queueConsumers: { events: { maxBatchSize: 10, maxBatchTimeout: 0, maxRetries: 3, deadLetterQueue: "failed" } },
      }),
      { name: "ai", modules: true, script: AI_STUB },
    ],
  });

  let db;
  try {
    db = await miniflare.getD1Database("DB", "clerk");
    if (migrated) await migrate(db);
  } catch (error) {
    // A Miniflare that did not start still keeps the test process alive.
    await miniflare.dispose();
    throw error;
  }

  return {
    miniflare,
    lines,
    egress,
    query: async (sql, ...values) => (await db.prepare(sql).bind(...values).all()).results,

    async call(path, { method = "GET", json, headers = {}, cookie } = {}) {
      const body = json === undefined ? undefined : JSON.stringify(json);
      const response = await miniflare.dispatchFetch(`http://harbor.test${path}`, {
        method,
        body,
        headers: {
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(cookie === undefined ? {} : { Cookie: cookie }),
          ...headers,
        },
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: text.startsWith("{") ? JSON.parse(text) : undefined,
        cookie: response.headers.get("Set-Cookie")?.split(";")[0],
      };
    },
  };
}

async function migrate(db) {
  const folder = `${root}/migrations/main`;
  for (const file of (await readdir(folder)).sort()) {
    await db.prepare(await readFile(`${folder}/${file}`, "utf8")).run();
  }
}

/** Waits until `probe` returns something; queues deliver when they want to. */
export async function eventually(probe, milliseconds = 5000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`nothing came within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
