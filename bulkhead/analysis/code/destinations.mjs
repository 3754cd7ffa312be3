// Where the value of an expression goes: the next place that has a name or a type of its own.

import { knownOf } from "./frameworks.mjs";
import { isOwn, isRuntimes, packageOf } from "./origins.mjs";
import { declarationOf, parameterOf } from "./signatures.mjs";

const CONTINUES = ["withEnv", "withEnvAndExports"]; // of cloudflare:workers

/**
 * Returns where an expression goes: the `type` that is told of the place, and the `declaration` of it when it is in code
 * that is read here. `into` names it for people. `known` is set when a framework takes it, `owner` when a package
 * does. Undefined when it goes nowhere.
 */
export function destination(ts, checker, expression) {
  const here = outermost(ts, checker, expression);
  const { parent } = here;
  const typeOf = (node) => checker.getTypeAtLocation(node);
  if (ts.isAsExpression(parent) || ts.isTypeAssertionExpression(parent)) return { type: typeOf(parent), cast: parent };
  if (ts.isParenthesizedExpression(parent)) return { type: typeOf(parent), cast: parent }; // in JavaScript
  if (ts.isThrowStatement(parent)) return { lost: "throw" };
  if (hasInitializer(ts, parent) && parent.initializer === here) return declared(ts, checker, parent);
  if (ts.isBinaryExpression(parent) && isAssignment(ts, parent) && parent.right === here) {
    return assigned(ts, checker, parent.left);
  }
  if (ts.isPropertyAssignment(parent) || ts.isShorthandPropertyAssignment(parent)) {
    return member(ts, checker, parent);
  }
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
    const index = parent.arguments?.indexOf(here) ?? -1;
    return index < 0 ? undefined : argument(ts, checker, parent, index);
  }
  if (ts.isReturnStatement(parent) || (ts.isArrowFunction(parent) && parent.body === here)) {
    return returned(ts, checker, ts.findAncestor(here.parent, ts.isFunctionLike), here);
  }
  if (ts.isArrayLiteralExpression(parent) || ts.isJsxExpression(parent) || ts.isSpreadElement(parent)) {
    const type = checker.getContextualType(here);
    return { type, into: type ? checker.typeToString(type) : "a list" };
  }
  if (ts.isJsxSpreadAttribute(parent)) return { type: checker.getContextualType(parent.parent), into: "JSX" };
  return undefined;
}

/** The largest expression around one that has the same value, or is it in part. */
export function outermost(ts, checker, expression) {
  let here = expression;
  for (;;) {
    const { parent } = here;
    const isSame =
      ts.isNonNullExpression(parent) ||
      ts.isSatisfiesExpression(parent) ||
      ts.isAwaitExpression(parent) ||
      (isCast(ts, parent) && isUntyped(ts, checker, parent)) ||
      (ts.isConditionalExpression(parent) && parent.condition !== here) ||
      (ts.isBinaryExpression(parent) && isPart(ts, parent, here));
    if (isSame) here = parent;
    else if (ts.isSpreadAssignment(parent) && isAny(ts, checker, parent.parent)) here = parent.parent;
    else return here;
  }
}

/** `x as T`, `<T>x`, and in JavaScript `/** @type {T} *\/ (x)`. */
function isCast(ts, node) {
  return ts.isAsExpression(node) || ts.isTypeAssertionExpression(node) || ts.isParenthesizedExpression(node);
}

function isUntyped(ts, checker, node) {
  const type = checker.getTypeAtLocation(node);
  return (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0 || type === checker.getTypeAtLocation(node.expression);
}

function isAny(ts, checker, node) {
  return (checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any) !== 0;
}

function isPart(ts, { operatorToken, right }, here) {
  const { BarBarToken, QuestionQuestionToken, AmpersandAmpersandToken, CommaToken } = ts.SyntaxKind;
  if ([BarBarToken, QuestionQuestionToken].includes(operatorToken.kind)) return true;
  return [AmpersandAmpersandToken, CommaToken].includes(operatorToken.kind) && right === here;
}

export function isAssignment(ts, { operatorToken }) {
  const { EqualsToken, BarBarEqualsToken, AmpersandAmpersandEqualsToken, QuestionQuestionEqualsToken } = ts.SyntaxKind;
  return [EqualsToken, BarBarEqualsToken, AmpersandAmpersandEqualsToken, QuestionQuestionEqualsToken].includes(
    operatorToken.kind,
  );
}

function hasInitializer(ts, node) {
  return (
    ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isPropertyDeclaration(node) || ts.isBindingElement(node)
  );
}

function declared(ts, checker, declaration) {
  const type = isTold(ts, declaration) || !ts.isVariableDeclaration(declaration) ? checker.getTypeAtLocation(declaration.name) : undefined;
  return { type, declaration, into: type && checker.typeToString(type) };
}

function isTold(ts, declaration) {
  return declaration.type !== undefined || ts.getJSDocType(declaration) !== undefined;
}

function assigned(ts, checker, left) {
  if (ts.isObjectLiteralExpression(left) || ts.isArrayLiteralExpression(left)) return undefined;
  const name = ts.isPropertyAccessExpression(left) ? left.name : left;
  const symbol = checker.getSymbolAtLocation(name);
  const declaration = symbol?.valueDeclaration ?? symbol?.declarations?.[0];
  // In JavaScript `this.bindings = env` is a declaration, of which the type of an object literal around it knows nothing.
  const around = ts.isPropertyAccessExpression(left) ? checker.getTypeAtLocation(left.expression) : undefined;
  const isKnown = around === undefined || checker.getPropertyOfType(around, name.text) !== undefined;
  const isHere = declaration !== undefined && isOwn(declaration) && isKnown;
  if (isHere && ts.isVariableDeclaration(declaration) && !isTold(ts, declaration)) return { declaration }; // it is inferred
  return {
    type: symbol ? checker.getTypeOfSymbol(symbol) : checker.getTypeAtLocation(left),
    declaration: isHere ? declaration : undefined,
    into: left.getText(),
  };
}

/** `{ env }` and `{ env: env }`: the member of what the literal is wanted for, or the literal's own. */
function member(ts, checker, assignment) {
  const literal = assignment.parent;
  const wanted = ts.isObjectLiteralExpression(literal) ? checker.getContextualType(literal) : undefined;
  if (wanted === undefined) return { declaration: assignment };
  const name = assignment.name.text ?? assignment.name.getText();
  const property = checker.getPropertyOfType(checker.getNonNullableType(wanted), name);
  if (property === undefined) {
    const owner = packageOf(wanted.symbol?.declarations?.[0]);
    return { type: indexOf(ts, checker, wanted), declaration: assignment, owner, into: owner, known: knownOf(owner) };
  }
  const declaration = property.valueDeclaration ?? property.declarations?.[0];
  if (declaration === undefined || ts.isBindingElement(declaration)) {
    return takenOut(ts, checker, literal, name) ?? { declaration: assignment }; // it is inferred
  }
  return {
    type: checker.getTypeOfSymbol(property),
    declaration: isRuntimes(declaration) ? undefined : declaration,
    into: checker.typeToString(checker.getNonNullableType(wanted)),
    owner: packageOf(declaration),
    known: knownOf(packageOf(declaration)),
  };
}

/** `go({ env })`, where the function says `({ env }) => ...`: what it takes out by the name. */
function takenOut(ts, checker, literal, name) {
  const pattern = destination(ts, checker, literal)?.declaration?.name;
  if (pattern === undefined || !ts.isObjectBindingPattern(pattern)) return undefined;
  const element = pattern.elements.find((one) => (one.propertyName ?? one.name).text === name);
  return element && { type: checker.getTypeAtLocation(element.name), declaration: element, into: name };
}

function indexOf(ts, checker, type) {
  return checker.getIndexTypeOfType(type, ts.IndexKind.String);
}

function argument(ts, checker, call, index) {
  const into = call.expression.getText().split("\n")[0];
  if (call.expression.kind === ts.SyntaxKind.SuperKeyword) {
    const made = checker.getResolvedSignature(call)?.declaration;
    return made !== undefined && isOwn(made) ? taken(ts, checker, call, index, into) : undefined;
  }
  return taken(ts, checker, call, index, into);
}

function taken(ts, checker, call, index, into) {
  const signature = checker.getResolvedSignature(call);
  const made = signature?.declaration;
  if (made === undefined) return { type: checker.getAnyType(), into };
  const owner = packageOf(made);
  const type = parameterOf(ts, checker, signature, index);
  if (isPutIn(ts, checker, call)) return undefined;
  if (isRuntimes(made)) return CONTINUES.includes(nameOf(ts, made)) || isHarmless(made, index) ? undefined : { type, into };
  const parameter = declarationOf(signature, index);
  if (owner !== undefined) {
    const known = knownOf(owner, nameOf(ts, made));
    const own = parameter && checker.getTypeAtLocation(parameter);
    const isGeneric = own !== undefined && (own.flags & ts.TypeFlags.Instantiable) !== 0;
    return { type: isGeneric || type === undefined ? checker.getUnknownType() : type, into: owner, owner, known };
  }
  const isOnlyDeclared = (made.flags & ts.NodeFlags.Ambient) !== 0 && made.name !== undefined;
  if (isOnlyDeclared) return { type, into: made.name.text ?? into, owner: into };
  const bodies = [made, ...(made.symbol?.declarations ?? [])].filter((one) => one.body !== undefined && one.kind === made.kind);
  const others = [...new Set(bodies)].filter((one) => one !== made).flatMap((one) => one.parameters?.[index] ?? []);
  const isListed = parameter?.dotDotDotToken !== undefined;
  const generic = parameter && checker.getTypeAtLocation(parameter);
  const predicate = checker.getTypePredicateOfSignature(signature);
  const told = predicate?.parameterIndex === index ? predicate.type : undefined;
  return { type, declaration: isListed ? undefined : parameter, others, into, generic, predicate: told };
}

/** `list.push(env)`, where the list has the type of what is put into it. */
function isPutIn(ts, checker, { expression }) {
  if (!ts.isPropertyAccessExpression(expression) || !["push", "unshift"].includes(expression.name.text)) return false;
  const list = checker.getSymbolAtLocation(expression.expression)?.valueDeclaration;
  return list !== undefined && ts.isVariableDeclaration(list) && !isTold(ts, list) && list.initializer?.elements?.length === 0;
}

/**
 * `Object.keys(env)` gives names only; what is read by them is read where the code says `env[name]`. Of the key of a WeakMap
 * nothing is read.
 */
function isHarmless(made, index) {
  const around = made.parent.name?.text;
  if (around === "WeakMap" || around === "WeakSet") return index === 0;
  return around === "ObjectConstructor" && ["keys", "getOwnPropertyNames"].includes(made.name?.text);
}

/** The name by which a package's function, or the class of a constructor, is known. */
export function nameOf(ts, made) {
  if (made.name?.text !== undefined && !ts.isConstructorDeclaration(made)) return made.name.text;
  const around = ts.findAncestor(made, (node) => ts.isClassLike(node) || ts.isVariableDeclaration(node));
  return around?.name?.text;
}

function returned(ts, checker, owner, expression) {
  if (owner === undefined) return undefined;
  if (owner.type === undefined && ts.getJSDocReturnType?.(owner) === undefined) return { declaration: owner };
  const type = checker.getContextualType(expression);
  return { type, declaration: owner, into: type && checker.typeToString(type) };
}
