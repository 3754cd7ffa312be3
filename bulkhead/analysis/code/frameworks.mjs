// What packages that take the whole env do with it, which no type of theirs says.

/**
 * By package and exported name ("*" for every other). `kind` are the bindings it uses, by their type; `names` those that
 * it uses by these names, `option` by the text of this property of an argument; `adds` it puts into the env itself.
 * `handlers` is the place of the env among what it hands to the functions that it is given; what it returns is the env
 * where it `gives` that. An empty entry hands the env on, as a member called `env` or to the Worker's own handlers, where
 * it is found.
 */
export const FRAMEWORKS = {
  hono: { "*": {}, env: { gives: true } }, // of hono/adapter
  chanfana: {
    "*": {},
    // Their databases are called DB, unless `dbName` says otherwise.
    D1CreateEndpoint: { names: ["DB"] },
    D1DeleteEndpoint: { names: ["DB"] },
    D1ListEndpoint: { names: ["DB"] },
    D1ReadEndpoint: { names: ["DB"] },
    D1UpdateEndpoint: { names: ["DB"] },
  },
  "react-router": { "*": {} },
  "r2-explorer": { "*": {}, R2Explorer: { kind: "R2Bucket", names: ["ASSETS"] } },
  "itty-router": { "*": { handlers: 1 } },
  partyserver: { "*": {}, routePartykitRequest: { kind: "DurableObjectNamespace" } },
  "hono-party": { "*": { kind: "DurableObjectNamespace" } },
  agents: {
    "*": {},
    routeAgentRequest: { kind: "DurableObjectNamespace" },
    routeAgentEmail: { kind: "DurableObjectNamespace" },
    serve: { option: "binding", names: ["MCP_OBJECT"] },
    serveSSE: { option: "binding", names: ["MCP_OBJECT"] },
    mount: { option: "binding", names: ["MCP_OBJECT"] },
  },
  "hono-agents": { "*": { kind: "DurableObjectNamespace" } },
  "@cloudflare/workers-oauth-provider": { "*": {}, OAuthProvider: { names: ["OAUTH_KV"], adds: ["OAUTH_PROVIDER"] } },
};

/** What is known of a package's function or class; undefined for a package of which nothing is. */
export function knownOf(owner, name) {
  const known = owner === undefined ? undefined : FRAMEWORKS[owner];
  return known && (Object.hasOwn(known, name ?? "*") ? known[name ?? "*"] : known["*"]);
}

/** The framework that a module is of; undefined when it is of none that is known. */
export function frameworkOf(module) {
  const name = module.split("/").slice(0, module.startsWith("@") ? 2 : 1).join("/");
  return Object.hasOwn(FRAMEWORKS, name) ? name : undefined;
}
