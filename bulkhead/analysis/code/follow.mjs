// Follows the env through a Worker's code: where it comes from, which members of it are used, and where it gets lost.

import { destination, isAssignment, nameOf } from "./destinations.mjs";
import { knownOf } from "./frameworks.mjs";
import { isNodes, isOwn, isRuntimes, packageOf } from "./origins.mjs";
import { HANDLERS, PLACE, parameterOf, signaturesOf } from "./signatures.mjs";

/** How deep an env is looked for in an object that goes where no type says what happens to it. */
const DEEPEST = 3;
const OF_EVERY_OBJECT = ["constructor", "hasOwnProperty", "isPrototypeOf", "toString", "valueOf"];

export class Follow {
  /**
   * `found` is told what is found: `used(binding, node, isOptional)`, `kind(name)` of all bindings of one type,
   * `lost(node, into)`, `made(binding)` of what the code itself puts into the env.
   */
  constructor(ts, checker, envs, reading, found) {
    Object.assign(this, { ts, checker, envs, reading, found });
  }

  visit(node) {
    const { ts } = this;
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) this.#handedOut(node);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) this.#framework(node);
    if (ts.isClassLike(node)) this.#overridden(node);
    else if (ts.isFunctionLike(node)) this.#called(node);
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
    return envs.isPlace(this.#symbol(node));
  }

  #symbol(node) {
    const { ts, checker } = this;
    if (ts.isPropertyAccessExpression(node)) return checker.getSymbolAtLocation(node.name);
    if (!ts.isIdentifier(node)) return undefined;
    if (ts.isShorthandPropertyAssignment(node.parent)) return checker.getShorthandAssignmentValueSymbol(node.parent);
    const symbol = checker.getSymbolAtLocation(node);
    return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  }

  /** What the runtime or a package calls `env` is the env: `this.env`, `c.env`, that of `cloudflare:workers`. */
  #handedOut(node) {
    const { ts, envs } = this;
    const name = ts.isIdentifier(node) ? node : node.name;
    if (name.text !== "env" && !ts.isIdentifier(node)) return;
    const symbol = this.#symbol(node);
    if (symbol?.name !== "env" || ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) return;
    const declaration = symbol.declarations?.find((one) => isGiver(ts, one));
    if (declaration) envs.put(declaration, this.checker.getTypeAtLocation(node));
  }

  /** A function of one's own is called through another type: what that one hands over comes into its parameters. */
  #called(node) {
    const { ts, checker } = this;
    if (node.parameters.length === 0) return;
    if (isHandler(ts, node)) this.#enter(node.parameters[PLACE]);
    if (ts.isFunctionExpression(node) || ts.isArrowFunction(node)) {
      const wanted = checker.getContextualType(node);
      if (wanted) this.#through(node, checker.getNonNullableType(wanted));
      this.#handler(node);
    } else if (ts.isMethodDeclaration(node) && ts.isObjectLiteralExpression(node.parent)) {
      const wanted = checker.getContextualType(node.parent);
      const property = wanted && checker.getPropertyOfType(checker.getNonNullableType(wanted), node.name.getText());
      if (property) this.#through(node, checker.getNonNullableType(checker.getTypeOfSymbol(property)));
    }
  }

  #through(node, wanted) {
    for (const signature of signaturesOf(this.ts, this.checker, wanted)) this.handed(node, signature);
  }

  /** What a signature hands over comes into the parameters of a function of one's own. */
  handed(node, signature) {
    const { ts, checker, envs } = this;
    node.parameters.forEach((own, index) => {
      const theirs = signature.parameters[index];
      const [declaration] = theirs?.declarations ?? [];
      if (declaration === own) return;
      const type = parameterOf(ts, checker, signature, index);
      const isEnv = type && (envs.says(checker.getNonNullableType(type)) || envs.has(declaration));
      if (isEnv || isGiver(ts, declaration)) this.#enter(own, isEnv ? type : undefined);
    });
  }

  /** An env comes into a parameter. */
  #enter(parameter, source) {
    const type = this.#type(parameter);
    if (this.envs.isBlind(type)) return this.#hold(parameter);
    this.envs.register(type, source && this.envs.says(source) ? source : undefined);
  }

  #hold(declaration) {
    if (declaration.dotDotDotToken !== undefined) this.found.lost(declaration, "any");
    else this.envs.hold(declaration);
  }

  /** `router.get("/", (request, env) => ...)`: what a package is known to hand to the functions that it is given. */
  #handler(node) {
    const { ts, checker } = this;
    const call = node.parent;
    if (!ts.isCallExpression(call) || !call.arguments.includes(node)) return;
    const made = checker.getResolvedSignature(call)?.declaration;
    const place = knownOf(packageOf(made), made && nameOf(ts, made))?.handlers;
    if (place !== undefined && node.parameters[place]) this.#enter(node.parameters[place]);
  }

  /** A class of one's own is used as what it extends or implements. */
  #overridden(node) {
    const { ts, checker, envs } = this;
    for (const base of (node.heritageClauses ?? []).flatMap((clause) => [...clause.types])) {
      const constructor = node.members.find((one) => ts.isConstructorDeclaration(one) && one.body);
      const made = checker.getTypeAtLocation(base.expression);
      const [theirs] = this.#symbol(base.expression)?.declarations ?? [];
      this.#known(knownOf(packageOf(theirs), theirs?.name?.text), base);
      if (constructor) {
        checker.getSignaturesOfType(made, ts.SignatureKind.Construct).forEach((one) => this.handed(constructor, one));
      }
      const type = checker.getTypeAtLocation(base);
      for (const member of node.members) {
        const theirs = member.name && checker.getPropertyOfType(type, member.name.getText());
        if (theirs === undefined) continue;
        const told = checker.getTypeOfSymbol(theirs);
        if (ts.isMethodDeclaration(member)) this.#through(member, checker.getNonNullableType(told));
        else if (theirs.name === "env" && isGiver(ts, theirs.declarations?.[0])) envs.put(member, this.#type(member));
      }
    }
  }

  #judge(node) {
    const { ts } = this;
    if (isName(ts, node)) return;
    if (!this.isEnv(node)) return this.#carried(node);
    if (ts.isObjectLiteralExpression(node)) this.#added(node);
    this.#goes(node, destination(ts, this.checker, node));
  }

  /** `{ ...env, path }`: what is put beside the bindings is none. */
  #added(literal) {
    for (const property of literal.properties) {
      if (property.name?.text !== undefined) this.found.made(property.name.text);
    }
  }

  /** The env goes somewhere as a whole. */
  #goes(node, to) {
    const { ts, checker, envs } = this;
    if (to === undefined) return;
    if (to.lost !== undefined) return this.found.lost(node, to.lost);
    if (to.known !== undefined) return this.#taken(to.known, node);
    const source = this.#type(node);
    const isSaid = envs.says(source);
    const type = to.type && checker.getNonNullableType(to.type);
    to.others?.forEach((other) => this.#enter(other, isSaid ? source : undefined));
    if (to.generic) envs.put(to.declaration, to.generic, isSaid ? source : undefined);
    if (to.predicate) this.#told(node, to.predicate);
    if (type !== undefined && !envs.isBlind(type) && !this.#isOnlyIndexed(type)) {
      envs.register(type, isSaid ? source : undefined);
      if (to.owner !== undefined) this.#given(type, node);
      return;
    }
    if (type === undefined && isSaid) return;
    if (to.declaration !== undefined && to.owner === undefined) this.#hold(to.declaration);
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

  /** A framework takes the env, and it is known what it uses of it. */
  #taken(known, node) {
    if (known.kind === undefined) return;
    for (const property of this.checker.getPropertiesOfType(this.#type(node))) {
      const binding = this.envs.bindingOf(property);
      const type = this.checker.getNonNullableType(this.checker.getTypeOfSymbol(property));
      if (binding !== undefined && type.symbol?.name === known.kind) this.found.used(binding, node, false);
    }
  }

  /** A call of a framework uses bindings by names that it has, or is given. */
  #framework(node) {
    const { ts, checker } = this;
    const made = checker.getResolvedSignature(node)?.declaration;
    this.#known(knownOf(packageOf(made), made && nameOf(ts, made)), node);
  }

  #known(known, node) {
    const { ts } = this;
    if (known === undefined) return;
    if (known.kind !== undefined) this.found.kind(known.kind);
    known.adds?.forEach((name) => this.found.made(name));
    const told = (node.arguments ?? []).flatMap((one) => textOf(ts, one, known.option));
    const names = told.length > 0 ? told : (known.names ?? []);
    names.forEach((name) => this.found.used(name, node, false));
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
        if (isGiver(ts, property?.declarations?.[0]) || envs.isPlace(property)) envs.put(element, this.#type(element.name));
      } else if (envs.isPlace(checker.getPropertyOfType(type, name.text ?? ""))) envs.put(element, this.#type(element.name));
    }
  }

  #member(node, name, at, access, isAsked) {
    const { ts } = this;
    const isWritten = access && ts.isBinaryExpression(access.parent) && isAssignment(ts, access.parent) && access.parent.left === access;
    if (isWritten) return this.found.made(name);
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

/** Whether a declaration is where the runtime or a package says what it calls `env`; a process has another. */
function isGiver(ts, declaration) {
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

/** The text of a property of an object that is written out. */
function textOf(ts, node, option) {
  if (option === undefined || !ts.isObjectLiteralExpression(node)) return [];
  const found = node.properties.find((one) => ts.isPropertyAssignment(one) && one.name.getText() === option);
  return found && ts.isStringLiteralLike(found.initializer) ? [found.initializer.text] : [];
}
