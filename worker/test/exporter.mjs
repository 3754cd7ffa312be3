// A Worker that exports objects of two classes: the product's ledger, and one that holds what is hard to copy.
// Run by itself, it prints where it answers as a line of JSON, and ends when its standard input does.

import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";

const root = `${import.meta.dirname}/..`;
export const KEY = "a made-up key of the test";

const EXPORTER = `
import { DurableObject } from "cloudflare:workers";
import { EXPORT_PATH, exportPage, exports } from "./src/shared/export.ts";
import { serve } from "./src/shared/http.ts";

export class Odd extends DurableObject {
  export(after, limit) { return exportPage(this.ctx, after, limit); }
  alarm() {}
  async fill() {
    const { sql } = this.ctx.storage;
    sql.exec(\`CREATE TABLE "no ""case" (a, b);
      INSERT INTO "no ""case" VALUES (9007199254740993, 0.1), (-9223372036854775808, 9e999), (NULL, -9e999), ('i1', x'00ff'),
        ('a' || char(0) || 'b', ''), (CAST(x'61ff' AS TEXT), char(65533)), (char(10), x'');
      CREATE TABLE pairs (k TEXT, n INTEGER, v, g AS (n + 1), PRIMARY KEY (k, n)) WITHOUT ROWID;
      INSERT INTO pairs VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('b', 1, 'z');
      CREATE TABLE hides (rowid, _rowid_, oid); INSERT INTO hides VALUES (1, 2, 3), (1, 2, 3);
      CREATE TABLE empty (a); CREATE INDEX by_b ON "no ""case" (b);\`);
    await this.ctx.storage.put({ "k/1": { deep: [1, null, "é"] }, "k/2": new Uint8Array([0, 255]), "k/3": "text" });
    await this.ctx.storage.setAlarm(Date.UTC(2040, 0, 1));
  }
  async put(key) { await this.ctx.storage.put(key, new Map([[1, 2]])); }
  write() { this.ctx.storage.sql.exec("INSERT INTO empty VALUES (1)"); }
}

const answer = serve({
  [EXPORT_PATH]: { POST: exports((env) => env.EXPORT_KEY, (env) => ({ BookingLedger: env.LEDGER, Odd: env.ODD })) },
});
export default {
  async fetch(request, env, context) {
    const [, act, name] = new URL(request.url).pathname.split("/");
    if (act !== "do") return answer(request, env, context);
    const id = env.ODD.idFromName("odd");
    await env.ODD.get(id)[name]("k/9");
    return Response.json(id.toString());
  },
};`;

export async function startExporter() {
  const { outputFiles } = await build({
    stdin: { contents: EXPORTER, resolveDir: root, loader: "ts" },
    bundle: true,
    format: "esm",
    write: false,
    external: ["cloudflare:*"],
  });
  const common = { compatibilityDate: "2026-07-01", versionMetadata: "VERSION" };
  const stage = { ENVIRONMENT: "staging", LOG_LEVEL: "error", LOG_REDACT: "true", RELEASE: "abc", STAGE: "staging", TZ: "UTC" };
  const module = (contents) => [{ type: "ESModule", path: "index.js", contents }];
  return new Miniflare({
    host: "127.0.0.1",
    cf: false,
    log: new Log(LogLevel.NONE),
    workers: [
      {
        ...common,
        name: "exporter",
        modules: module(outputFiles[0].text),
        bindings: { ...stage, SERVICE_NAME: "exporter", EXPORT_KEY: KEY },
        durableObjects: {
          LEDGER: { className: "BookingLedger", scriptName: "booking", useSQLite: true },
          ODD: { className: "Odd", useSQLite: true },
        },
      },
      {
        ...common,
        name: "booking",
        modules: module(await readFile(`${root}/dist/booking.js`, "utf8")),
        bindings: { ...stage, SERVICE_NAME: "booking" },
        durableObjects: { LEDGER: { className: "BookingLedger", useSQLite: true } },
        d1Databases: { DB: "main" },
        queueProducers: { EVENTS: "events" },
      },
    ],
  });
}

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith("/test/exporter.mjs")) {
  const miniflare = await startExporter();
  const odd = await (await miniflare.dispatchFetch("http://exporter/do/fill")).json();
  console.log(JSON.stringify({ url: String(await miniflare.ready), key: KEY, odd }));
  process.stdin.resume().on("end", () => miniflare.dispose());
}
