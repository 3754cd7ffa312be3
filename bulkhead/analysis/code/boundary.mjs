// Where the runtime hands the env to a Worker: its handlers, and the objects that it makes.

import { frameworkOf, knownOf } from "./frameworks.mjs";
import { isOwn, isRuntimes, packageOf } from "./origins.mjs";
import { HANDLERS, PLACE, declarationOf, parameterOf } from "./signatures.mjs";

/** Tells `follow` of every place where the env enters; `called` are the exports that others or the runtime call. */
export function entered(ts, checker, exported, called, files, follow, found) {
  for (const symbol of checker.getExportsOfModule(exported)) {
    const type = checker.getTypeOfSymbol(symbol);
    const node = symbol.valueDeclaration ?? symbol.declarations[0];
    if (symbol.name !== "default" && !called.includes(symbol.name)) continue;
    const literal = type.flags & ts.TypeFlags.Any ? written(ts, checker, node) : undefined;
    const handlers = (literal?.properties ?? []).filter((one) => HANDLERS.includes(one.name?.text));
    if (handlers.length > 0) {
      handlers.forEach((one) => direct(ts, checker, one, follow));
      continue;
    }
    if (type.flags & ts.TypeFlags.Any) unseen(ts, checker, files, follow, found, node);
    const made = checker.getSignaturesOfType(type, ts.SignatureKind.Construct);
    const direct_ = made.length > 0 ? [] : HANDLERS.flatMap((name) => handler(ts, checker, type, name));
    for (const one of [...made, ...direct_]) enters(ts, checker, one, files, follow, found, node);
  }
}

function handler(ts, checker, type, name) {
  const property = checker.getPropertyOfType(type, name);
  const called = property && checker.getNonNullableType(checker.getTypeOfSymbol(property));
  if (called === undefined) return [];
  if (called.flags & ts.TypeFlags.Any) return [{ untyped: property.valueDeclaration }];
  return checker.getSignaturesOfType(called, ts.SignatureKind.Call);
}

function enters(ts, checker, signature, files, follow, found, node) {
  if (signature.untyped) return unseen(ts, checker, files, follow, found, signature.untyped);
  const type = parameterOf(ts, checker, signature, PLACE);
  const parameter = declarationOf(signature, PLACE);
  if (type === undefined) return;
  const isBlind = follow.envs.isBlind(checker.getNonNullableType(type));
  if (!isBlind) return follow.envs.register(type);
  if (parameter !== undefined && isOwn(parameter)) {
    if (parameter.dotDotDotToken !== undefined) return found.lost(parameter, "any");
    return follow.envs.hold(parameter);
  }
  const owner = packageOf(signature.declaration);
  if (isRuntimes(signature.declaration) || knownOf(owner) !== undefined) return;
  unseen(ts, checker, files, follow, found, node, owner);
}

/** What hands the env on is not seen: it is lost, unless a framework that is known does it. */
function unseen(ts, checker, files, follow, found, node, owner) {
  const isFramework = files.some((file) => file.imports.some(({ text }) => frameworkOf(text) !== undefined));
  if (owner === undefined && isFramework) return;
  found.lost(node, owner ?? "any");
}

/** The object literal that an export is, whatever type it is said to be of. */
function written(ts, checker, node) {
  let here = ts.isExportAssignment(node) ? node.expression : node.initializer;
  while (here !== undefined && !ts.isObjectLiteralExpression(here)) {
    if (ts.isIdentifier(here)) here = checker.getSymbolAtLocation(here)?.valueDeclaration?.initializer;
    else here = here.expression && !ts.isCallExpression(here) ? here.expression : undefined;
  }
  return here;
}

function direct(ts, checker, property, follow) {
  const handler = ts.isPropertyAssignment(property) ? property.initializer : property;
  const parameter = handler.parameters?.[PLACE];
  if (parameter) follow.envs.put(parameter, checker.getTypeAtLocation(parameter));
}
