// Follows the env through a Worker's code: which members of it are used, and where it gets lost.

import { destination, isAssignment } from "./destinations.mjs";
import { isOwn } from "./origins.mjs";
import { Sources, isGiver, symbolOf } from "./sources.mjs";

/** How deep an env is looked for in an object that goes where no type says what happens to it. */
const DEEPEST = 3;
const OF_EVERY_OBJECT = ["constructor", "hasOwnProperty", "isPrototypeOf", "toString", "valueOf"];

/** Whose `env` is another: the process's, and what a bundler puts in. */
const OTHERS = /\b(process|import\.meta|globalThis|self|Deno|Bun)$/;

export class Follow {
  /**
   * `found` is told what is found: `used(binding, node, isOptional)`, `kind(name, node)` of all bindings of one type,
   * `lost(node, into)`, `made(binding)` of what the code itself puts into the env.
   */
  constructor(ts, checker, envs, reading, found) {
    Object.assign(this, { ts, checker, envs, reading, found, sources: new Sources(ts, checker, envs, found) });
  }

  visit(node) {
    const { ts } = this;
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    this.sources.visit(node);
    if (ts.isObjectBindingPattern(node)) this.#pattern(node);
    this.#accessed(node);
    if (isValue(ts, node)) this.#judge(node);
    this.reading.visit(node);
    ts.forEachChild(node, (child) => this.visit(child));
  }

  #type(node) {
    return this.checker.getNonNullableType(this.checker.getTypeAtLocation(node));
  }

  /** Whether the value of an expression is an env. */
  isEnv(node) {
    const { ts, checker, envs } = this;
    const type = this.#type(node);
    if (envs.says(type)) return true;
    if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node) || ts.isAwaitExpression(node)) {
      return this.isEnv(node.expression);
    }
    if (!envs.isBlind(type) && checker.getIndexInfosOfType(type).length === 0) return false;
    if (ts.isAsExpression(node) || ts.isTypeAssertionExpression(node) || ts.isSatisfiesExpression(node)) {
      return this.isEnv(node.expression);
    }
    if (ts.isObjectLiteralExpression(node)) {
      return node.properties.some((one) => ts.isSpreadAssignment(one) && this.isEnv(one.expression));
    }
    if (ts.isConditionalExpression(node)) return this.isEnv(node.whenTrue) || this.isEnv(node.whenFalse);
    if (ts.isBinaryExpression(node)) return this.isEnv(node.left) || this.isEnv(node.right);
    if (ts.isCallExpression(node)) return envs.has(checker.getResolvedSignature(node)?.declaration);
    return envs.isPlace(symbolOf(ts, checker, node)) || this.#isCalledEnv(node);
  }

  /** `c.env`, where no type says what `c` is. */
  #isCalledEnv(node) {
    const { ts } = this;
    if (!ts.isPropertyAccessExpression(node) || node.name.text !== "env") return false;
    return this.envs.isBlind(this.#type(node.expression)) && !OTHERS.test(node.expression.getText());
  }

  #judge(node) {
    const { ts } = this;
    if (isName(ts, node)) return;
    if (!this.isEnv(node)) return this.#carried(node);
    if (ts.isObjectLiteralExpression(node)) this.#added(node);
    this.#goes(node, destination(ts, this.checker, node));
  }

  /** `{ ...env, path }`: what is put beside the bindings is none, unless it is made of one. */
  #added(literal) {
    const { ts, checker, envs } = this;
    if (envs.says(this.#type(literal))) return; // its type tells them apart
    for (const property of literal.properties) {
      if (property.name?.text === undefined) continue;
      const declaration = ts.isShorthandPropertyAssignment(property)
        ? checker.getShorthandAssignmentValueSymbol(property)?.valueDeclaration
        : property.initializer;
      this.#made(property.name.text, declaration);
    }
  }

  /** The code puts something into the env; it is still a binding when that is made of the one that was there. */
  #made(name, from) {
    const { ts } = this;
    const isOf = (node) =>
      (ts.isPropertyAccessExpression(node) && node.name.text === name) ||
      (ts.isBindingElement(node) && (node.propertyName ?? node.name).text === name) ||
      ts.forEachChild(node, isOf) === true;
    if (from === undefined || !isOf(from)) this.found.made(name);
  }

  /** The env goes somewhere as a whole. */
  #goes(node, to) {
    const { ts, checker, envs } = this;
    if (to === undefined) return;
    if (to.lost !== undefined) return this.found.lost(node, to.lost);
    if (to.known !== undefined) return; // what it uses is said where it is called
    const source = this.#type(node);
    const isSaid = envs.says(source);
    const type = to.type && checker.getNonNullableType(to.type);
    to.others?.forEach((other) => this.sources.enter(other, isSaid ? source : undefined));
    if (to.generic) envs.put(to.declaration, to.generic, isSaid ? source : undefined);
    if (to.predicate) this.#told(node, to.predicate);
    if (type !== undefined && !envs.isBlind(type) && !this.#isOnlyIndexed(type)) {
      envs.register(type, isSaid ? source : undefined);
      if (to.owner !== undefined) this.#given(type, node);
      return;
    }
    if (type === undefined && isSaid) return;
    if (to.declaration !== undefined && to.owner === undefined) this.sources.hold(to.declaration);
    else if (type !== undefined && !(to.cast && ts.isAsExpression(to.cast))) this.found.lost(node, to.into ?? "any");
  }

  #isOnlyIndexed(type) {
    const { checker } = this;
    return checker.getIndexInfosOfType(type).length > 0 && checker.getPropertiesOfType(type).length === 0;
  }

  /** A package takes an env of a type of its own: it uses what that has. */
  #given(type, node) {
    for (const property of this.checker.getPropertiesOfType(type)) {
      const binding = this.envs.bindingOf(property);
      const isOptional = (property.flags & this.ts.SymbolFlags.Optional) !== 0;
      if (binding !== undefined) this.found.used(binding, node, isOptional);
    }
  }

  /** An object that holds an env goes where no type says what happens to it. */
  #carried(node) {
    const { ts, checker, envs } = this;
    if (ts.isPropertyAccessExpression(node) && ts.isCallExpression(node.parent) && node.parent.expression === node) return;
    const type = this.#type(node);
    if (envs.isBlind(type) || !this.#holds(type, DEEPEST)) return;
    const to = destination(ts, checker, node);
    if (to?.lost === "throw") return this.found.lost(node, "throw");
    if (to?.type === undefined || to.known !== undefined) return;
    const into = to.declaration?.name;
    if (ts.isObjectLiteralExpression(node) && into && ts.isObjectBindingPattern(into)) return; // each member goes by itself
    if (envs.isBlind(checker.getNonNullableType(to.type)) || this.#isOnlyIndexed(to.type)) {
      this.found.lost(node, to.into ?? "any");
    }
  }

  #holds(type, depth) {
    const { ts, checker, envs } = this;
    if (depth === 0) return false;
    if (envs.says(type)) return true;
    if (type.isUnionOrIntersection()) return type.types.some((part) => this.#holds(part, depth));
    if (!(type.flags & ts.TypeFlags.Object)) return false;
    const [declaration] = type.symbol?.declarations ?? [];
    if (checker.isArrayType(type) || checker.isTupleType(type) || type.symbol?.name === "Promise") {
      return checker.getTypeArguments(type).some((part) => this.#holds(part, depth));
    }
    if (!isOwn(declaration)) return false;
    const results = checker.getSignaturesOfType(type, ts.SignatureKind.Call).map((one) => one.getReturnType());
    const inside = checker.getPropertiesOfType(type).filter((one) => !(one.flags & ts.SymbolFlags.Method));
    return (
      results.some((result) => envs.says(result)) ||
      inside.some((one) => envs.isPlace(one) || this.#holds(checker.getNonNullableType(checker.getTypeOfSymbol(one)), depth - 1))
    );
  }

  /** `env.DB`, `env["DB"]`, `"DB" in env`, `({ DB } = env)`, and `env instanceof Full`. */
  #accessed(node) {
    const { ts, checker } = this;
    if (ts.isPropertyAccessExpression(node)) {
      if (this.isEnv(node.expression)) this.#member(node.expression, node.name.text, node.name, node);
    } else if (ts.isElementAccessExpression(node)) {
      if (!this.isEnv(node.expression)) return;
      const { argumentExpression: key } = node;
      this.#keys(key).forEach((name) => this.#member(node.expression, name, key, node));
    } else if (ts.isObjectLiteralExpression(node) && ts.isArrayLiteralOrObjectLiteralDestructuringPattern(node)) {
      this.#assigned(node);
    } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword) {
      if (ts.isPrivateIdentifier(node.left) || !this.isEnv(node.right)) return;
      this.#keys(node.left).forEach((name) => this.#member(node.right, name, node.left, node, true));
    } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) {
      if (!this.isEnv(node.left)) return;
      const made = checker.getSignaturesOfType(this.#type(node.right), ts.SignatureKind.Construct);
      made.forEach((one) => this.#told(node.left, one.getReturnType()));
    }
  }

  /** From here on an expression has a type that the code tells of it: to ask for a binding is to use it. */
  #told(node, type) {
    const source = this.#type(node);
    const parts = source.isUnion() ? source.types : [source];
    if (parts.some((part) => this.checker.isTypeAssignableTo(part, type) && !this.envs.says(part))) return;
    this.envs.register(type, this.envs.says(source) ? source : undefined);
  }

  #assigned(pattern) {
    const { ts, checker, envs } = this;
    const type = checker.getTypeOfAssignmentPattern(pattern);
    const { parent } = pattern;
    const isGiven = ts.isBinaryExpression(parent) && parent.left === pattern && this.isEnv(parent.right);
    if (!isGiven && !envs.says(checker.getNonNullableType(type))) return;
    for (const property of pattern.properties) {
      if (ts.isSpreadAssignment(property)) continue;
      const { name } = property;
      if (!ts.isComputedPropertyName(name)) this.#named(type, name.text, name);
      else this.#keys(name.expression).forEach((key) => this.#named(type, key, name));
    }
  }

  /** `const { DB, ...rest } = env`, as a parameter or a variable. */
  #pattern(pattern) {
    const { ts, checker, envs } = this;
    const from = pattern.parent;
    const type = checker.getTypeAtLocation(pattern);
    const isEnv = envs.says(checker.getNonNullableType(type)) || envs.has(from) || (from.initializer && this.isEnv(from.initializer));
    for (const element of pattern.elements) {
      const name = element.propertyName ?? element.name;
      if (isEnv && element.dotDotDotToken !== undefined) envs.put(element, this.#type(element.name));
      else if (isEnv && ts.isComputedPropertyName(name)) {
        this.#keys(name.expression).forEach((key) => this.#named(type, key, name));
      } else if (isEnv) this.#named(type, name.text, name, element);
      else if (name.text === "env") {
        const property = checker.getPropertyOfType(type, "env");
        if (envs.isBlind(checker.getNonNullableType(type))) envs.hold(element);
        else if (isGiver(ts, property?.declarations?.[0]) || envs.isPlace(property)) envs.put(element, this.#type(element.name));
      } else if (envs.isPlace(checker.getPropertyOfType(type, name.text ?? ""))) envs.put(element, this.#type(element.name));
    }
  }

  #member(node, name, at, access, isAsked) {
    const { ts } = this;
    const { parent } = access;
    const isWritten = ts.isBinaryExpression(parent) && isAssignment(ts, parent) && parent.left === access;
    if (isWritten) return this.#made(name, parent.right);
    this.#named(this.#type(node), name, at, access, isAsked);
  }

  #named(type, name, at, access, isAsked) {
    const { ts, checker, envs } = this;
    const whole = checker.getNonNullableType(type);
    const property = envs.isBlind(whole) ? undefined : checker.getPropertyOfType(checker.getApparentType(whole), name);
    const isSaid = property !== undefined && envs.says(whole);
    const binding = isSaid ? envs.bindingOf(property) : name;
    if (binding === undefined || OF_EVERY_OBJECT.includes(binding)) return;
    if (isAsked && whole.isUnion() && whole.types.some((part) => !envs.says(part) && checker.getPropertyOfType(part, name))) return;
    const isOptional = property !== undefined && this.#isOptional(property) && !(access && ts.isNonNullExpression(access.parent));
    this.found.used(binding, at, isOptional);
  }

  #isOptional(property) {
    const { ts, checker } = this;
    if (property.flags & ts.SymbolFlags.Optional) return true;
    const type = checker.getTypeOfSymbol(property);
    return type.isUnion() && type.types.some((part) => (part.flags & ts.TypeFlags.Undefined) !== 0);
  }

  /** Every text that an expression can be, by its type; a key that can be anything is a loss. */
  #keys(expression) {
    const { checker } = this;
    const type = checker.getTypeAtLocation(expression);
    const constraint = checker.getBaseConstraintOfType(type) ?? type;
    const parts = constraint.isUnion() ? constraint.types : [constraint];
    if (parts.every((part) => part.isStringLiteral())) return parts.map((part) => part.value);
    this.found.lost(expression, "computed key");
    return [];
  }
}

function isValue(ts, node) {
  return (
    ts.isIdentifier(node) ||
    ts.isPropertyAccessExpression(node) ||
    ts.isCallExpression(node) ||
    ts.isNewExpression(node) ||
    ts.isObjectLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node) ||
    ts.isElementAccessExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isAsExpression(node) ||
    ts.isTypeAssertionExpression(node) ||
    ts.isAwaitExpression(node) ||
    node.kind === ts.SyntaxKind.ThisKeyword
  );
}

/** Whether an identifier only names something: a declaration, a member, a key. */
function isName(ts, node) {
  const { parent } = node;
  if (!ts.isIdentifier(node)) return false;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  return parent.name === node || parent.propertyName === node || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent);
}
