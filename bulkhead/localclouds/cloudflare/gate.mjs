// The Worker at the door of a Worker that has two versions, or static assets: Miniflare knows neither.
//
// It has the Worker's name and passes on what it gets to one of the versions behind it, as their shares say. Source:
// Workers documentation, "Gradual deployments", "Version affinity", "Version overrides".

import { SECRET_HEADER } from "./entry.mjs";

export const DIRECT = "RehearsalDirect"; // the entrypoint of a version that its assets do not stand before
const SHARES_PATH = "/__rehearsal/shares";

/** The source of the gate of a Worker; `entrypoints` are the named ones that other Workers are bound to. */
export function gateSource({ name, versions, entrypoints, shares, secret }) {
  const ids = versions.map(({ id }) => id);
  const settings = { name, versions: ids, shares, direct: DIRECT, secret, path: SHARES_PATH, header: SECRET_HEADER };
  const named = entrypoints.map((each) => `export class ${each} extends entrypoint(${JSON.stringify(each)}) {}`);
  return `
import { WorkerEntrypoint } from "cloudflare:workers";
const entrypoint = (${gate})(WorkerEntrypoint, ${JSON.stringify(settings)});
export default class extends entrypoint("") {}
${named.join("\n")}
`;
}

/** The gate's binding that leads to an entrypoint of a version: "" is the default one, behind its assets. */
export function doorTo(version, entrypoint) {
  return `${version} ${entrypoint}`;
}

/** Lets a gate that runs divide requests in another way, from the next one on. */
export async function divide(gateWorker, shares, secret) {
  const headers = { [SECRET_HEADER]: secret };
  await gateWorker.fetch(`http://rehearsal${SHARES_PATH}`, { method: "POST", headers, body: JSON.stringify(shares) });
}

// Runs inside workerd: its text becomes part of the gate, so it uses nothing but its parameters.
function gate(WorkerEntrypoint, { name, versions, shares, direct, secret, path, header }) {
  const ENTRY = /^\s*([a-z*][a-z0-9_.*-]*)\s*=\s*"([^"\\]*)"\s*$/; // a member of RFC 8941's dictionaries that is a text
  const overridden = (headers) => {
    for (const member of (headers.get("Cloudflare-Workers-Version-Overrides") ?? "").split(",")) {
      const [, worker, version] = ENTRY.exec(member) ?? [];
      if (worker === name && versions.includes(version)) return version;
    }
  };
  // The newest version has the first places: whoever it has stays with it while its share grows.
  const at = (place) => {
    for (const version of versions.toReversed()) {
      place -= shares[version];
      if (place < 0) return version;
    }
    return versions.find((version) => shares[version] > 0);
  };
  const placeOf = async (key) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
    return (new DataView(digest).getUint32(0) / 2 ** 32) * 100;
  };
  const chosen = async (headers) => {
    const key = headers.get("Cloudflare-Workers-Version-Key");
    return overridden(headers) ?? at(key === null ? Math.random() * 100 : await placeOf(key));
  };

  return (entrypoint) => {
    const front = (env, version) => env[`${version} ${entrypoint}`];
    const behind = (env) => env[`${at(Math.random() * 100)} ${entrypoint || direct}`];
    return class extends WorkerEntrypoint {
      constructor(ctx, env) {
        super(ctx, env);
        return new Proxy(this, {
          get(target, method) {
            if (Reflect.has(target, method)) return Reflect.get(target, method);
            return Reflect.get(behind(target.env), method);
          },
        });
      }

      async fetch(request) {
        if (request.headers.get(header) === secret && new URL(request.url).pathname === path) {
          shares = await request.json();
          return new Response(null, { status: 204 });
        }
        return front(this.env, await chosen(request.headers)).fetch(request);
      }

      async scheduled(controller) {
        const { cron, scheduledTime } = controller;
        const { outcome, noRetry } = await behind(this.env).scheduled({ cron, scheduledTime: new Date(scheduledTime) });
        if (noRetry) controller.noRetry();
        if (outcome !== "ok") throw new Error(`scheduled() ended with: ${outcome}`);
      }

      async queue(batch) {
        const messages = batch.messages.map(({ id, timestamp, body, attempts }) => ({ id, timestamp, body, attempts }));
        const done = await behind(this.env).queue(batch.queue, messages);
        if (done.outcome !== "ok") throw new Error(`queue() ended with: ${done.outcome}`);
        if (done.ackAll) batch.ackAll();
        if (done.retryBatch?.retry) batch.retryAll({ delaySeconds: done.retryBatch.delaySeconds });
        const byId = new Map(batch.messages.map((message) => [message.id, message]));
        for (const id of done.explicitAcks ?? []) byId.get(id)?.ack();
        for (const { msgId, delaySeconds } of done.retryMessages ?? []) byId.get(msgId)?.retry({ delaySeconds });
      }
    };
  };
}
