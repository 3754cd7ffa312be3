// Static assets as Miniflare serves them, which has Cloudflare's own Workers for that, with two faults mended.

import { readFileSync } from "node:fs";

import { changeServices } from "./plugins.mjs";

const ASSETS = "assets"; // Miniflare's name for the plugin

/** Where the types of the files in a directory of assets are, by path. */
export const typesOf = (directory) => `${directory}.json`;

/**
 * Lets each Worker have its own files, with the types that they were uploaded with.
 *
 * Miniflare reads the files of all Workers through one service, whose directory is that of the first Worker, and takes
 * a file's type from its name.
 */
export function serveApart(library) {
  changeServices(library, ASSETS, (service, { assets }) => apart(service, assets));
}

function apart(service, { workerName, directory }) {
  const shared = `${ASSETS}:storage`;
  if (service.name === shared) return { ...service, name: `${shared}:${workerName}` };
  const bindings = service.worker.bindings.map((binding) => {
    if (binding.service?.name === shared) return { ...binding, service: { name: `${shared}:${workerName}` } };
    return binding.name === "ASSETS_REVERSE_MAP" ? { ...binding, json: typed(binding.json, directory) } : binding;
  });
  return { ...service, worker: { ...service.worker, bindings } };
}

function typed(map, directory) {
  const types = JSON.parse(readFileSync(typesOf(directory), "utf8"));
  const known = Object.entries(JSON.parse(map));
  const retyped = known.map(([hash, file]) => [hash, { ...file, contentType: inJson(types[file.filePath]) }]);
  return JSON.stringify(Object.fromEntries(retyped));
}

// Miniflare puts a type between quotation marks as it is.
function inJson(type) {
  return type ? JSON.stringify(type).slice(1, -1) : null;
}
