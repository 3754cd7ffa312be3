// Reads from standard input which Workers there are and what each is granted, and writes to standard output what their
// code does with it. Facts only: what they mean is judged by verdicts.py. Shapes: reader.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Boundary } from "./boundary.mjs";
import { Envs } from "./envs.mjs";
import { Follow } from "./follow.mjs";
import { frameworkOf } from "./frameworks.mjs";
import { mentions } from "./mentions.mjs";
import { loader, runtimeFiles } from "./program.mjs";
import { Reading } from "./reading.mjs";

/** How often the code is gone through at most: once more for each function that hands the env on to an earlier one. */
const PASSES = 20;

const request = JSON.parse(readFileSync(0, "utf8"));
// Not by import(): Node would read the whole compiler once more to find out what it exports.
const ts = createRequire(import.meta.url)(request.typescript);
const load = loader(ts, request.generated, request.runtimeTypes);
process.stdout.write(JSON.stringify(Object.fromEntries(request.workers.map((worker) => [worker.name, facts(worker)]))));

function facts(worker) {
  const program = load(worker);
  const checker = program.getTypeChecker();
  const entry = program.getSourceFile(worker.entry);
  const { files, unseen } = runtimeFiles(ts, program, worker.entry);
  const errors = complaints(program, files);
  const [uses, kinds, beyond, lost, made] = [unique(), unique(), unique(), unique(), unique()];
  const exported = checker.getSymbolAtLocation(entry);
  const names = exported ? checker.getExportsOfModule(exported).map(({ name }) => name) : [];
  const missing = worker.exports.filter((name) => !names.includes(name));

  const envs = new Envs(ts, checker);
  const reading = new Reading(ts, checker, envs, worker.reading, (bindings, members, node) =>
    beyond({ bindings, members, ...place(node) }),
  );
  const found = {
    used: (binding, node, optional) => uses({ binding, optional, ...place(node) }),
    kind: (name, node) => {
      kinds(name);
      envs.ofKind(name).forEach((binding) => found.used(binding, node, false));
    },
    lost: (node, into) => lost({ into, absent: false, ...place(node) }),
    made: (binding) => made(binding),
  };
  const follow = new Follow(ts, checker, envs, reading, found);
  const boundary = new Boundary(ts, checker, envs, found, files);
  let passes = 0;
  do {
    passes += 1;
    envs.restart();
    if (exported) boundary.enter(exported, worker.exports);
    files.forEach((file) => follow.visit(file));
  } while (envs.changed && passes < PASSES);
  mentions(ts, checker, files, [...envs.names, ...worker.granted], uses.all, found);
  return {
    errors,
    missing,
    uses: uses.all.filter(({ binding }) => worker.granted.includes(binding) || !made.all.includes(binding)),
    kinds: kinds.all,
    followed: files.flatMap(frameworks),
    beyond: beyond.all,
    lost: [...lost.all, ...unseen.map((node) => ({ into: node.text, absent: true, ...place(node) }))],
  };
}

/** The frameworks that a file imports, and into which the env is followed. */
function frameworks(file) {
  const known = file.imports.map(({ text }) => frameworkOf(text)).filter((name) => name !== undefined);
  return [...new Set(known)].map((into) => ({ file: file.fileName, into }));
}

/** What keeps code from being read: what is no TypeScript. */
function complaints(program, files) {
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...files.flatMap((file) => program.getSyntacticDiagnostics(file)),
  ];
  return ts.sortAndDeduplicateDiagnostics(found).map(({ file, start, code, messageText }) => ({
    message: `does not compile (TS${code}): ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    ...(file === undefined ? { file: "", line: 0, column: 0 } : position(file, start)),
  }));
}

function place(node) {
  const file = node.getSourceFile();
  return position(file, node.getStart(file));
}

function position(file, offset) {
  const { line, character } = file.getLineAndCharacterOfPosition(offset);
  return { file: file.fileName, line: line + 1, column: character + 1 };
}

/** A function that keeps what it is given, each fact once: the code is gone through more than once. */
function unique() {
  const seen = new Map();
  const keep = (fact) => void seen.set(JSON.stringify(fact), fact);
  return Object.defineProperty(keep, "all", { get: () => [...seen.values()] });
}
