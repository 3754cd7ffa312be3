// Reads from standard input which Workers there are and what each is granted, and writes to standard output what their
// code does with it. Facts only: what they mean is judged by verdicts.py. Shapes: reader.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Flow } from "./flow.mjs";
import { Known } from "./known.mjs";
import { isRuntimes, packageOf } from "./origins.mjs";
import { loader, runtimeFiles } from "./program.mjs";
import { parameterOf } from "./signatures.mjs";
import { Sites } from "./sites.mjs";
import { Uses } from "./uses.mjs";

const HANDLERS = ["fetch", "queue", "scheduled", "email", "tail", "tailStream", "trace", "test", "connect"];

const request = JSON.parse(readFileSync(0, "utf8"));
// Not by import(): Node would read the whole compiler once more to find out what it exports.
const ts = createRequire(import.meta.url)(request.typescript);
const load = loader(ts, request.generated, request.runtimeTypes);
process.stdout.write(JSON.stringify(Object.fromEntries(request.workers.map((worker) => [worker.name, facts(worker)]))));

function facts(worker) {
  const program = load(worker);
  const checker = program.getTypeChecker();
  const entry = program.getSourceFile(worker.entry);
  const files = runtimeFiles(ts, program, worker.entry);
  const errors = diagnostics(program, files);
  const [uses, beyond, lost] = [unique(), unique(), unique()];
  const exported = checker.getSymbolAtLocation(entry);
  if (exported === undefined) return { errors, missing: ["default"], uses: [], beyond: [], lost: [] };

  const losing = (node, into, bindings, members) =>
    bindings === undefined ? lost({ into, ...place(node) }) : beyond({ bindings, members, ...place(node) });
  const env = declaredEnv(checker, program.getSourceFile(worker.declarations[0]));
  const known = new Known(ts, checker, env, worker.readOnly);
  const flow = new Flow(ts, checker, known, losing);
  const sites = new Sites(ts, checker, known, flow, losing);
  do {
    known.restart();
    flow.restart();
    fromRuntime(checker, (type, node, owner) => type && flow.flow(env, type, node, owner), exported, worker.exports);
    files.forEach((file) => sites.visit(file));
  } while (known.changed);

  const found = new Uses(ts, checker, known, {
    used: (binding, node) => uses({ binding, ...place(node) }),
    beyond: (bindings, member, node) => beyond({ bindings, members: [member], ...place(node) }),
    lost: losing,
  });
  files.forEach((file) => found.visit(file));
  const names = checker.getExportsOfModule(exported).map(({ name }) => name);
  const missing = worker.exports.filter((name) => !names.includes(name));
  return { errors, missing, uses: uses.all, beyond: beyond.all, lost: lost.all };
}

/** The runtime hands the env to the handlers, to the objects it makes, and to `cloudflare:workers`. */
function fromRuntime(checker, give, exported, called) {
  for (const symbol of checker.getExportsOfModule(exported)) {
    const type = checker.getTypeOfSymbol(symbol);
    const node = symbol.valueDeclaration ?? symbol.declarations[0];
    const isCalled = symbol.name === "default" || called.includes(symbol.name);
    const made = checker.getSignaturesOfType(type, ts.SignatureKind.Construct);
    for (const signature of made) {
      const own = checker.getPropertyOfType(signature.getReturnType(), "env");
      const isInherited = isRuntimes(own);
      if (!isInherited && !isCalled) continue;
      if (isInherited) give(checker.getTypeOfSymbol(own), node);
      give(parameterOf(ts, checker, signature, 1), second(signature, node), packageOf(signature.declaration?.symbol));
    }
    if (made.length > 0 || !isCalled) continue;
    if (type.flags & ts.TypeFlags.Any) give(type, node);
    for (const handler of HANDLERS) {
      const property = checker.getPropertyOfType(type, handler);
      const called = property && checker.getNonNullableType(checker.getTypeOfSymbol(property));
      if (called?.flags & ts.TypeFlags.Any) give(called, property.valueDeclaration ?? node);
      for (const signature of called ? checker.getSignaturesOfType(called, ts.SignatureKind.Call) : []) {
        give(parameterOf(ts, checker, signature, 1), second(signature, node), packageOf(signature.declaration?.symbol));
      }
    }
  }
  const platform = checker.resolveName("Cloudflare", undefined, ts.SymbolFlags.Namespace, false);
  const importable = platform && checker.getExportsOfModule(platform).find(({ name }) => name === "Env");
  if (importable) give(checker.getDeclaredTypeOfSymbol(importable), importable.declarations[0]);
}

/** Where a handler's env is declared, or the handler itself when that is not in the Worker's own code. */
function second(signature, node) {
  const parameter = signature.declaration?.parameters?.[1];
  return parameter === undefined || parameter.getSourceFile().isDeclarationFile ? node : parameter;
}

function declaredEnv(checker, file) {
  const symbol = checker.getExportsOfModule(checker.getSymbolAtLocation(file)).find(({ name }) => name === "Env");
  return checker.getDeclaredTypeOfSymbol(symbol);
}

function diagnostics(program, files) {
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  return ts.sortAndDeduplicateDiagnostics(found).map(({ file, start, code, messageText }) => ({
    message: ts.flattenDiagnosticMessageText(messageText, " "),
    code,
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

/** A function that keeps what it is given, each fact once: the flows are gone through more than once. */
function unique() {
  const seen = new Map();
  const keep = (fact) => void seen.set(JSON.stringify(fact), fact);
  return Object.defineProperty(keep, "all", { get: () => [...seen.values()] });
}
