// Checks the types of every Worker below src/, each by its own tsconfig.json: what one is granted, another cannot use.
// `npx tsc -p src/<worker>` does the same for one; here, what they share is read once.

import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";

// import() would make Node read the whole compiler once more, to find out what it exports.
const ts = createRequire(import.meta.url)("typescript");
const root = import.meta.dirname;

const workers = (await readdir(`${root}/src`, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== "shared")
  .map((entry) => entry.name);
const parsed = new Map();
const found = workers.flatMap((worker) => diagnostics(`${root}/src/${worker}/tsconfig.json`));

const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;
process.stderr.write(
  format(ts.sortAndDeduplicateDiagnostics(found), {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (path) => path,
    getNewLine: () => "\n",
  }),
);
process.exitCode = found.length > 0 ? 1 : 0;

function diagnostics(config) {
  const complaints = [];
  const reporting = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (fault) => complaints.push(fault) };
  const { options, fileNames, errors } = ts.getParsedCommandLineOfConfigFile(config, {}, reporting) ?? {};
  if (options === undefined) return complaints;
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (path, how, ...rest) => {
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, how, ...rest));
    return parsed.get(path);
  };
  return [...errors, ...ts.getPreEmitDiagnostics(ts.createProgram(fileNames, options, host))];
}
