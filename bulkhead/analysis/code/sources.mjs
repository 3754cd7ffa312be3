// Where a Worker's code gets the env from: the runtime, a package, a function that calls it.

import { nameOf } from "./destinations.mjs";
import { knownOf } from "./frameworks.mjs";
import { isNodes, isRuntimes, packageOf } from "./origins.mjs";
import { HANDLERS, PLACE, parameterOf, signaturesOf } from "./signatures.mjs";

export class Sources {
  /** `found` as in Follow. */
  constructor(ts, checker, envs, found) {
    Object.assign(this, { ts, checker, envs, found });
  }

  visit(node) {
    const { ts } = this;
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) this.#handedOut(node);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) this.#framework(node);
    if (ts.isClassLike(node)) this.#overridden(node);
    else if (ts.isFunctionLike(node)) this.#called(node);
  }

  /** What the runtime or a package calls `env` is the env: `this.env`, `c.env`, that of `cloudflare:workers`. */
  #handedOut(node) {
    const { ts, envs } = this;
    if (ts.isPropertyAccessExpression(node) ? node.name.text !== "env" : node.parent.name === node) return;
    const symbol = symbolOf(ts, this.checker, node);
    if (symbol?.name !== "env") return;
    const declaration = symbol.declarations?.find((one) => isGiver(ts, one));
    if (declaration) envs.put(declaration, this.checker.getTypeAtLocation(node));
  }

  /** A function of one's own is called through another type: what that one hands over comes into its parameters. */
  #called(node) {
    const { ts, checker } = this;
    if (node.parameters.length === 0) return;
    if (isHandler(ts, node)) this.enter(node.parameters[PLACE]);
    if (ts.isFunctionExpression(node) || ts.isArrowFunction(node)) {
      const wanted = checker.getContextualType(node);
      if (wanted) this.#through(node, checker.getNonNullableType(wanted));
    } else if (ts.isMethodDeclaration(node) && ts.isObjectLiteralExpression(node.parent)) {
      const wanted = checker.getContextualType(node.parent);
      const property = wanted && checker.getPropertyOfType(checker.getNonNullableType(wanted), node.name.getText());
      if (property) this.#through(node, checker.getNonNullableType(checker.getTypeOfSymbol(property)));
    }
  }

  #through(node, wanted) {
    for (const signature of signaturesOf(this.ts, this.checker, wanted)) this.#handed(node, signature);
  }

  /** What a signature hands over comes into the parameters of a function of one's own. */
  #handed(node, signature) {
    const { ts, checker, envs } = this;
    node.parameters.forEach((own, index) => {
      const theirs = signature.parameters[index];
      const [declaration] = theirs?.declarations ?? [];
      if (declaration === own) return;
      const type = parameterOf(ts, checker, signature, index);
      const isEnv = type && (envs.says(checker.getNonNullableType(type)) || envs.has(declaration));
      if (isEnv || isGiver(ts, declaration)) this.enter(own, isEnv ? type : undefined);
    });
  }

  /** An env comes into a parameter. */
  enter(parameter, source) {
    const type = this.checker.getNonNullableType(this.checker.getTypeAtLocation(parameter));
    if (this.envs.isBlind(type)) return this.hold(parameter);
    this.envs.register(type, source && this.envs.says(source) ? source : undefined);
  }

  /** Of a list of all arguments, nobody can say which is the env. */
  hold(declaration) {
    if (declaration.dotDotDotToken !== undefined) this.found.lost(declaration, "any");
    else this.envs.hold(declaration);
  }

  /** A class of one's own is used as what it extends or implements. */
  #overridden(node) {
    const { ts, checker, envs } = this;
    for (const base of (node.heritageClauses ?? []).flatMap((clause) => [...clause.types])) {
      const constructor = node.members.find((one) => ts.isConstructorDeclaration(one) && one.body);
      const made = checker.getTypeAtLocation(base.expression);
      const [theirs] = symbolOf(ts, checker, base.expression)?.declarations ?? [];
      this.#known(knownOf(packageOf(theirs), theirs?.name?.text), base);
      if (constructor) {
        checker.getSignaturesOfType(made, ts.SignatureKind.Construct).forEach((one) => this.#handed(constructor, one));
      }
      const type = checker.getTypeAtLocation(base);
      for (const member of node.members.filter(ts.isMethodDeclaration)) {
        const told = checker.getPropertyOfType(type, member.name.getText());
        if (told) this.#through(member, checker.getNonNullableType(checker.getTypeOfSymbol(told)));
      }
      const [given, own] = [type, checker.getTypeAtLocation(node)].map((one) => checker.getPropertyOfType(one, "env"));
      if (own !== undefined && given !== own && isGiver(ts, given?.declarations?.[0])) {
        envs.put(own.valueDeclaration ?? own.declarations[0], checker.getTypeOfSymbol(own));
      }
    }
  }

  /** A call of a framework uses bindings by names that it has, or is given. */
  #framework(node) {
    const { ts, checker } = this;
    const made = checker.getResolvedSignature(node)?.declaration;
    const known = knownOf(packageOf(made), made && nameOf(ts, made));
    if (known?.gives) this.envs.put(made, checker.getTypeAtLocation(node));
    this.#known(known, node);
  }

  #known(known, node) {
    const { ts } = this;
    if (known === undefined) return;
    if (known.handlers !== undefined) {
      const handlers = (node.arguments ?? []).map((one) => functionOf(ts, this.checker, one)?.parameters[known.handlers]);
      handlers.forEach((parameter) => parameter && this.enter(parameter));
    }
    if (known.kind !== undefined) this.found.kind(known.kind, node);
    known.adds?.forEach((name) => this.found.made(name));
    const told = (node.arguments ?? []).flatMap((one) => textOf(ts, one, known.option));
    const names = told.length > 0 ? told : (known.names ?? []);
    names.forEach((name) => this.found.used(name, node, false));
  }
}

/** The function of one's own that an expression is, written there or named. */
function functionOf(ts, checker, node) {
  if (ts.isFunctionExpression(node) || ts.isArrowFunction(node)) return node;
  const declaration = ts.isIdentifier(node) ? symbolOf(ts, checker, node)?.valueDeclaration : undefined;
  if (declaration === undefined || ts.isFunctionDeclaration(declaration)) return declaration;
  return declaration.initializer && functionOf(ts, checker, declaration.initializer);
}

/** Whether a declaration is where the runtime or a package says what it calls `env`; a process has another. */
export function isGiver(ts, declaration) {
  if (declaration?.name?.text !== "env" || !(isRuntimes(declaration) || packageOf(declaration))) return false;
  const around = ts.findAncestor(declaration.parent, (node) => ts.isInterfaceDeclaration(node));
  return !isNodes(declaration) && !["ImportMeta", "Process"].includes(around?.name.text);
}

/** `{ fetch(request, env) {} }`, which is given to something that does not say so. */
function isHandler(ts, node) {
  const named = ts.isPropertyAssignment(node.parent) ? node.parent : node;
  const isOfObject = ts.isObjectLiteralExpression(named.parent);
  const { text } = node.parameters[PLACE]?.name ?? {};
  return isOfObject && HANDLERS.includes(named.name?.text) && (text === "env" || text === "_env");
}

/** The symbol of what an expression names; of an import, that of what is imported. */
export function symbolOf(ts, checker, node) {
  if (ts.isPropertyAccessExpression(node)) return checker.getSymbolAtLocation(node.name);
  if (!ts.isIdentifier(node)) return undefined;
  if (ts.isShorthandPropertyAssignment(node.parent)) return checker.getShorthandAssignmentValueSymbol(node.parent);
  const symbol = checker.getSymbolAtLocation(node);
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The text of a property of an object that is written out. */
function textOf(ts, node, option) {
  if (option === undefined || !ts.isObjectLiteralExpression(node)) return [];
  const found = node.properties.find((one) => ts.isPropertyAssignment(one) && one.name.getText() === option);
  return found && ts.isStringLiteralLike(found.initializer) ? [found.initializer.text] : [];
}
