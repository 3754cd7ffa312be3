// Touches everything a Worker may be bound to; each path shows one thing.
import { DurableObject } from "cloudflare:workers";
import { connect } from "cloudflare:sockets";

export class Ledger extends DurableObject {
  async add(word) {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS entries (word TEXT)");
    this.ctx.storage.sql.exec("INSERT INTO entries VALUES (?)", word);
    await this.ctx.storage.put("last", word);
    return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM entries").one().n;
  }
}

const paths = {
  "/": () => "shop",
  "/ledger": (env, word) => env.LEDGER.get(env.LEDGER.idFromName("all")).add(word).then(String),
  "/kv": (env, word) => env.KV.put("word", word).then(() => "kept"),
  "/d1": (env, word) => env.DB.prepare("INSERT INTO words (word) VALUES (?)").bind(word).run().then(() => "kept"),
  "/r2": (env, word) => env.FILES.put("word.txt", word).then(() => "kept"),
  "/send": (env, word) => env.EVENTS.send({ word }).then(() => "sent"),
  "/ai": (env, word) => env.AI.run("@cf/meta/llama-3.1-8b-instruct-fp8", { prompt: word }).then((a) => a.response),
  "/unrecorded": (env) => env.AI.run("@cf/unknown", { prompt: "?" }).catch((error) => error.message),
  "/helper": (env) => env.HELPER.greet(),
  "/version": (env) => JSON.stringify(env.VERSION),
  "/fetch": () => fetch("https://example.com/tracking?id=1").then((response) => String(response.status)),
  "/tcp": async (_env, address) => {
    try {
      await connect(address).opened;
      return "opened";
    } catch (error) {
      return `refused: ${error.message}`;
    }
  },
  "/throws": () => {
    throw new Error("on purpose");
  },
};

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const path = paths[pathname];
    if (path === undefined) return new Response("nothing here", { status: 404 });
    return new Response(await path(env, searchParams.get("word")));
  },
};
