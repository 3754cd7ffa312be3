// The module that is put in front of a bundle. The bundle itself stays as it was uploaded, byte for byte.

export const ENTRY = "rehearsal-entry.mjs";
export const ENV_PATH = "/__rehearsal/env";
export const SECRET_HEADER = "x-rehearsal-secret";

/**
 * Returns the source of the entry module. Without a `mainModule`, there is no code but static assets.
 *
 * It does what the upload API does and workerd does not: it refuses a bundle that lacks a Durable Object class or a
 * handler it is deployed for. It answers one reserved path, only to who knows the secret, with the names in `env`. And
 * what it exports by default has a name, `direct`, by which the Worker's assets do not answer instead.
 */
export function entrySource({ mainModule, classes, handlers, direct, secret }) {
  const main = JSON.stringify(`./${mainModule}`);
  const bundle = mainModule ? `import * as bundle from ${main};\nexport * from ${main};` : "const bundle = {};";
  return `
${bundle}
const settings = ${JSON.stringify({ classes, handlers, secret, path: ENV_PATH, header: SECRET_HEADER })};
const wrapped = (${wrap})(bundle, settings);
export { wrapped as default, wrapped as ${direct} };
`;
}

// Runs inside workerd: its text becomes part of the entry module, so it uses nothing but its parameters.
function wrap(bundle, { classes, handlers, secret, path, header }) {
  const inner = bundle.default ?? {};
  const isClass = typeof inner === "function";
  const has = (handler) => typeof (isClass ? inner.prototype : inner)[handler] === "function";
  for (const name of classes) {
    if (typeof bundle[name] !== "function") throw new Error(`the bundle exports no Durable Object class ${name}`);
  }
  for (const handler of handlers) {
    if (!has(handler)) throw new Error(`the bundle has no ${handler}() handler`);
  }
  const answer = (request, env, fetch) => {
    const reserved = request.headers.get(header) === secret && new URL(request.url).pathname === path;
    if (reserved) return Response.json(Object.keys(env).sort());
    if (!has("fetch")) throw new TypeError("Handler does not export a fetch() function.");
    return fetch();
  };
  if (isClass) {
    return class extends inner {
      fetch(request) {
        return answer(request, this.env, () => super.fetch(request));
      }
    };
  }
  const wrapped = { fetch: (request, env, ctx) => answer(request, env, () => inner.fetch(request, env, ctx)) };
  for (const handler of ["scheduled", "queue", "email", "tail", "trace", "tailStream"]) {
    if (has(handler)) wrapped[handler] = (...given) => inner[handler](...given);
  }
  return wrapped;
}
