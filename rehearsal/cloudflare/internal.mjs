// Three Workers of the rehearsal's own that run beside a stage's Workers. No Worker of the stage can call them.

export const CONTROL = "rehearsal-control";
export const TRAP = "rehearsal-egress";
export const AI = "rehearsal-ai";

/** The Worker through which a proof reaches every store, and which keeps the messages of queues nobody consumes. */
export function controlWorker({ stores, held }, s3Credentials, onHeld) {
  const named = (names, value) => Object.fromEntries(names.map((name) => [name, value(name)]));
  return {
    name: CONTROL,
    modules: true,
    script: `export default {
      fetch: () => new Response("No Worker of this stage is deployed.\\n", { status: 404 }),
      async queue(batch, env) {
        const bodies = batch.messages.map(({ id, body }) => ({ id, body }));
        await env.HOST.fetch("http://host/", { method: "POST", body: JSON.stringify([batch.queue, bodies]) });
      },
    };`,
    d1Databases: named(stores.databases, (id) => id),
    kvNamespaces: named(stores.namespaces, (id) => id),
    r2Buckets: named(stores.buckets, (id) => ({ id, s3Credentials })),
    queueProducers: named(stores.queues, (queueName) => ({ queueName })),
    queueConsumers: named(held, () => ({ maxBatchTimeout: 0 })),
    serviceBindings: { HOST: onHeld },
  };
}

/**
 * The Worker that all egress ends in. It answers 502 and tells the host.
 *
 * It must be a Worker: given a function, Miniflare puts a service in between that lets raw TCP (`connect()`) pass
 * through to the real network. A Worker refuses TCP, without being asked, so those attempts are not in the list.
 */
export function egressTrap(onEgress) {
  return {
    name: TRAP,
    modules: true,
    compatibilityDate: "2026-01-01",
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
export function aiStub(source, recordings) {
  const module = { type: "ESModule", path: "ai_stub.mjs", contents: source };
  return { name: AI, modules: [module], bindings: { RECORDINGS: recordings } };
}
