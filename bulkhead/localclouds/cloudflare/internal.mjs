// Five Workers of the rehearsal's own that run beside a stage's Workers. No Worker of the stage can call them.

import { readFileSync } from "node:fs";

import { hostsOf } from "./door.mjs";
import { ENV_PATH } from "./entry.mjs";

export const CONTROL = "rehearsal-control";
export const COUNTER = "rehearsal-counter";
export const EDGE = "rehearsal-edge";
export const TRAP = "rehearsal-egress";
export const AI = "rehearsal-ai"; // `bulkhead.localclouds.cloudflare.options` names it too

export const COMPATIBLE = { compatibilityDate: "2026-01-01", compatibilityFlags: ["nodejs_compat"] };
const source = (file) => readFileSync(new URL(file, import.meta.url), "utf8");
const modules = (...files) => files.map((file) => ({ type: "ESModule", path: file, contents: source(file) }));

/** What a store is called in the control Worker's env; names of different kinds may be alike. */
export function bindingOf(kind, name) {
  return `${kind}:${name}`;
}

/** The Worker through which a proof reaches every store, and which keeps the messages of queues nobody consumes. */
export function controlWorker({ stores, held }, { secret, s3Credentials, onHeld }) {
  const bound = (kind, names, value) => Object.fromEntries(names.map((name) => [bindingOf(kind, name), value(name)]));
  return {
    ...COMPATIBLE,
    name: CONTROL,
    modules: modules("control.mjs"),
    bindings: { SECRET: secret },
    d1Databases: bound("d1", stores.databases, (id) => id),
    kvNamespaces: bound("kv", stores.namespaces, (id) => id),
    r2Buckets: bound("r2", stores.buckets, (id) => ({ id, s3Credentials })),
    queueProducers: bound("queue", stores.queues, (queueName) => ({ queueName })),
    queueConsumers: Object.fromEntries(held.map((queue) => [queue, { maxBatchTimeout: 0 }])),
    serviceBindings: { HOST: onHeld },
  };
}

/** The Worker before all others: a request goes to the Worker that has its hostname, or to the first one. */
export function edgeWorker({ workers }, door, router, { secret }) {
  const closed = door?.serviceBindings ?? {};
  const behind = (hostname, name) => (Object.hasOwn(closed, hostname) ? door.name : (router?.name ?? name));
  const hosts = hostsOf(workers).map(([hostname, name]) => [hostname, behind(hostname, name)]);
  const reached = [...workers, ...[door, router].filter((each) => each !== undefined)];
  return {
    ...COMPATIBLE,
    name: EDGE,
    // Of hostnames that no route names, Miniflare answers /cdn-cgi/ itself, with "Invalid Host header".
    routes: hosts.map(([hostname]) => `${hostname}/*`),
    modules: modules("edge.mjs", "tally.mjs"),
    bindings: { SECRET: secret, HOSTS: Object.fromEntries(hosts), FIRST: workers[0]?.name ?? null },
    serviceBindings: Object.fromEntries(reached.map(({ name }) => [`to ${name}`, { name }])),
  };
}

/** The Worker that is told of each invocation of the stage's Workers when it has ended. */
export function counterWorker({ secret }) {
  const bindings = { SECRET: secret, OWN_PATHS: [ENV_PATH] };
  return { ...COMPATIBLE, name: COUNTER, modules: modules("counter.mjs", "tally.mjs"), bindings };
}

/**
 * The Worker that all egress ends in. It answers 502 and tells the host.
 *
 * It must be a Worker: given a function, Miniflare puts a service in between that lets raw TCP (`connect()`) pass
 * through to the real network. A Worker refuses TCP, without being asked, so those attempts are not in the list.
 */
export function egressTrap(onEgress) {
  return {
    ...COMPATIBLE,
    name: TRAP,
    modules: true,
    script: `export default {
      fetch: (request, env, ctx) => env.HOST.fetch("http://host/", {
        method: "POST",
        body: JSON.stringify({ worker: ctx.props.worker, method: request.method, url: request.url }),
      }),
    };`,
    serviceBindings: { HOST: onEgress },
  };
}

/** The stand-in for Workers AI, a wrapped binding: its module makes the object that a Worker finds in `env`. */
export function aiStub() {
  return {
    name: AI,
    modules: modules("ai_stub.mjs"),
    bindings: { RECORDINGS: JSON.parse(source("ai_recordings.json")) },
  };
}
