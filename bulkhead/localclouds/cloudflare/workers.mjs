// What Miniflare is told of a stage's Workers. A Worker is one version, or a gate with its versions behind it.

import { readFileSync } from "node:fs";

import { ENTRY, entrySource } from "./entry.mjs";
import { DIRECT, doorTo, gateSource } from "./gate.mjs";
import { COUNTER, TRAP } from "./internal.mjs";
import { originName } from "./router.mjs";

const BUNDLE = "/bundle"; // a path that exists nowhere: modules are given by content
const GATE = { compatibilityDate: "2026-01-01", compatibilityFlags: ["service_binding_extra_handlers"] };

/** The codes that run for a Worker, of which the first one has its Durable Objects. */
export function codesOf(worker) {
  return worker.versions?.map(({ code }) => code) ?? [worker];
}

/** Miniflare's options of a Worker. What the Workers in `routed` fetch goes by their origin. */
export function optionsOf(worker, shares, secret, routed) {
  const outside = { name: routed.has(worker.name) ? originName(worker.name) : TRAP, props: { worker: worker.name } };
  if (worker.versions === undefined) return [codeOptions(worker, worker.name, outside, secret)];
  const codes = codesOf(worker).map((code) => codeOptions(code, worker.name, outside, secret));
  return [gateOptions(worker, shares[worker.name], secret), ...codes];
}

function codeOptions({ bundle, requires, version, routes: _atTheEdge, ...options }, worker, outside, secret) {
  const entry = entrySource({ mainModule: bundle.main, ...requires, direct: DIRECT, secret });
  return {
    ...options,
    modulesRoot: BUNDLE,
    modules: [
      { type: "ESModule", path: `${BUNDLE}/${ENTRY}`, contents: entry },
      ...bundle.modules.map(({ name, type, file }) => ({
        type,
        path: `${BUNDLE}/${name}`,
        contents: type === "Data" || type === "CompiledWasm" ? readFileSync(file) : readFileSync(file, "utf8"),
      })),
    ],
    outboundService: outside,
    // Static assets alone are no invocation.
    tails: bundle.main ? [{ name: COUNTER, props: { worker, version } }] : [],
  };
}

function gateOptions({ name, queueConsumers, versions, entrypoints }, shares, secret) {
  const serviceBindings = {};
  for (const { id, code } of versions) {
    serviceBindings[doorTo(id, "")] = { name: code.name };
    for (const entrypoint of [DIRECT, ...entrypoints]) {
      serviceBindings[doorTo(id, entrypoint)] = { name: code.name, entrypoint };
    }
  }
  const script = gateSource({ name, versions, entrypoints, shares, secret });
  return { ...GATE, name, queueConsumers, serviceBindings, modules: true, script };
}
