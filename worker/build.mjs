// Bundles every Worker below src/ into one module, dist/<worker>.js.
// The same source gives the same bytes on every machine: a bundle's digest is its release, and a changed release is a
// new version in the cloud.
// dist/built-from.json tells what they were built from, so that none is deployed that is older than its source; who reads
// it is bulkhead/model/bundles.py of the repository.

import { createHash } from "node:crypto";
import { readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;

const workers = (await readdir(`${root}/src`, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== "shared")
  .map((entry) => entry.name)
  .sort();

const options = {
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
};
// What a file holds is noted before it is built: who saves one in the meantime gets a record that does not fit any more,
// and never one that fits code that was not built.
const { inputs } = (await build({ ...options, write: false })).metafile;
const from = await digests(["build.mjs", "package-lock.json", ...Object.keys(inputs).flatMap((file) => [file, ...configs(file)])]);
const { metafile } = await build(options);

// Bundles of Workers that are gone. The others are only overwritten: a rehearsal may be reading them.
for (const file of await readdir(`${root}/dist`)) {
  if (file.endsWith(".js") && !workers.includes(file.slice(0, -3))) await rm(`${root}/dist/${file}`);
}
const record = { bundles: await digests(workers.map((worker) => `dist/${worker}.js`)), from };
await writeFile(`${root}/dist/built-from.json.new`, JSON.stringify(record, null, 2) + "\n");
await rename(`${root}/dist/built-from.json.new`, `${root}/dist/built-from.json`);

for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  console.log(`${file}  ${(bytes / 1024).toFixed(1)} KiB`);
}

// What esbuild looks for on the way up from a file and does not list among its inputs.
function configs(file) {
  const folder = dirname(file);
  const here = ["tsconfig.json", "jsconfig.json", "package.json"].map((name) => (folder === "." ? name : `${folder}/${name}`));
  return folder === dirname(folder) ? here : [...here, ...configs(folder)];
}

// null stands for a file that is not there: the build would be another one if it were.
async function digests(files) {
  const each = [...new Set(files)].sort().map(async (file) => {
    const content = await readFile(`${root}/${file}`).catch(() => null);
    return [file, content && createHash("sha256").update(content).digest("hex")];
  });
  return Object.fromEntries(await Promise.all(each));
}
