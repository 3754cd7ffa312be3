// Where the runtime hands the env to a Worker: its handlers, and the objects that it makes.

import { frameworkOf, knownOf } from "./frameworks.mjs";
import { isOwn, isRuntimes, packageOf } from "./origins.mjs";
import { HANDLERS, PLACE, declarationOf, parameterOf } from "./signatures.mjs";

/** The entry of a Worker; `called` are the exports that others or the runtime call, `files` all of its code. */
export class Boundary {
  /** `found` as in Follow. */
  constructor(ts, checker, envs, found, files) {
    Object.assign(this, { ts, checker, envs, found });
    this.hasFramework = files.some((file) => file.imports.some(({ text }) => frameworkOf(text) !== undefined));
  }

  enter(exported, called) {
    const { ts, checker } = this;
    for (const symbol of checker.getExportsOfModule(exported)) {
      if (symbol.name !== "default" && !called.includes(symbol.name)) continue;
      const type = checker.getTypeOfSymbol(symbol);
      const node = symbol.valueDeclaration ?? symbol.declarations[0];
      if (type.flags & ts.TypeFlags.Any) {
        this.#untyped(node);
        continue;
      }
      const made = checker.getSignaturesOfType(type, ts.SignatureKind.Construct);
      if (made.length > 0) made.forEach((one) => this.#called(one, node));
      else HANDLERS.forEach((name) => this.#handler(type, name, node));
    }
  }

  #handler(type, name, node) {
    const { ts, checker } = this;
    const property = checker.getPropertyOfType(type, name);
    if (property === undefined) return;
    const called = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    if (called.flags & ts.TypeFlags.Any) return this.#unseen(property.valueDeclaration ?? node);
    checker.getSignaturesOfType(called, ts.SignatureKind.Call).forEach((one) => this.#called(one, node));
  }

  #called(signature, node) {
    const { ts, checker, envs } = this;
    const type = parameterOf(ts, checker, signature, PLACE);
    if (type === undefined) return;
    if (!envs.isBlind(checker.getNonNullableType(type))) return envs.register(type);
    const parameter = declarationOf(signature, PLACE);
    if (parameter?.dotDotDotToken !== undefined && isOwn(parameter)) return this.found.lost(parameter, "any");
    if (isOwn(parameter)) return envs.hold(parameter);
    const owner = packageOf(signature.declaration);
    if (!isRuntimes(signature.declaration) && knownOf(owner) === undefined) this.#unseen(node, owner);
  }

  /** What hands the env on is not seen: it is lost, unless a framework that is known does it. */
  #unseen(node, owner) {
    if (owner !== undefined || !this.hasFramework) this.found.lost(node, owner ?? "any");
  }

  /** The object literal that an export is, where it is said to be of any type. */
  #untyped(node) {
    const handlers = (this.#written(node)?.properties ?? []).filter(({ name }) => HANDLERS.includes(name?.text));
    if (handlers.length === 0) return this.#unseen(node);
    for (const one of handlers) {
      const parameter = (one.initializer ?? one).parameters?.[PLACE];
      if (parameter) this.envs.put(parameter, this.checker.getTypeAtLocation(parameter));
    }
  }

  #written(node) {
    const { ts, checker } = this;
    let here = ts.isExportAssignment(node) ? node.expression : node.initializer;
    while (here !== undefined && !ts.isObjectLiteralExpression(here)) {
      if (ts.isIdentifier(here)) here = checker.getSymbolAtLocation(here)?.valueDeclaration?.initializer;
      else here = ts.isCallExpression(here) ? undefined : here.expression;
    }
    return here;
  }
}
