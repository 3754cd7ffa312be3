// Routes of a zone: which Worker they put before the one that has the hostname, and how it reaches that one.
//
// Source: Workers documentation, "Routes": a route comes before a custom domain of the same hostname, and what its
// Worker fetches from that hostname is answered by the custom domain's Worker.

import { hostsOf } from "./door.mjs";
import { COMPATIBLE, TRAP } from "./internal.mjs";

const NAME = "rehearsal-router";

/** The Worker that sends requests on as routes say, and else as hostnames do; undefined where there is no route. */
export function routerWorker({ workers, routes }) {
  if (routes.length === 0) return undefined;
  return directing(NAME, workers, routes, {});
}

/** What the Worker before others fetches goes here: to the Worker of the hostname, or outside, which is the trap. */
export function originOf({ name: worker }, workers) {
  return directing(originName(worker), workers, [], { outside: { name: TRAP, props: { worker } } });
}

/** What Miniflare calls the origin of a Worker; no Worker's name has such a sign in it. */
export function originName(worker) {
  return `rehearsal-origin@${worker}`;
}

function directing(name, workers, routes, others) {
  const hosts = Object.fromEntries(hostsOf(workers));
  const script = `export default { fetch: (${direct})(${JSON.stringify(routes)}, ${JSON.stringify(hosts)}) };`;
  const bound = Object.fromEntries(workers.map((worker) => [`to ${worker.name}`, { name: worker.name }]));
  return { ...COMPATIBLE, name, modules: true, script, serviceBindings: { ...bound, ...others } };
}

// Runs inside workerd: its text becomes part of the Worker, so it uses nothing but its parameters. Visitors of a
// rehearsal come by http for want of a certificate, and stand for those who come by https.
function direct(routes, hosts) {
  const rules = routes.map(({ matches, worker }) => [new RegExp(matches), worker]);
  return (request, env) => {
    const url = new URL(request.url);
    const asked = `https://${url.hostname}${url.pathname}${url.search}`;
    const [, routed] = rules.find(([matches]) => matches.test(asked)) ?? [];
    const worker = routed ?? (Object.hasOwn(hosts, url.hostname) ? hosts[url.hostname] : undefined);
    return worker === undefined ? env.outside.fetch(request) : env[`to ${worker}`].fetch(request);
  };
}
