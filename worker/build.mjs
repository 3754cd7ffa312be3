// Bundles every Worker below src/ into one module, dist/<worker>.js.
// The same source gives the same bytes on every machine: a bundle's digest is its release, and a changed release is a
// new version in the cloud.

import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const root = import.meta.dirname;

const workers = (await readdir(`${root}/src`, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== "shared")
  .map((entry) => entry.name)
  .sort();

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: workers.map((worker) => ({ in: `src/${worker}/index.ts`, out: worker })),
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2023",
  charset: "utf8",
  legalComments: "none",
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "node:*"],
  metafile: true,
  logLevel: "warning",
});

// Bundles of Workers that are gone. The others are only overwritten: a rehearsal may be reading them.
for (const file of await readdir(`${root}/dist`)) {
  if (file.endsWith(".js") && !workers.includes(file.slice(0, -3))) await rm(`${root}/dist/${file}`);
}
for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  console.log(`${file}  ${(bytes / 1024).toFixed(1)} KiB`);
}
