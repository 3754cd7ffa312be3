// What has the type of what is put into it: TypeScript follows that, or complains.

/** Whether something is assigned to `let e;`, to `let e = null;` or to an element of `const list = [];`. */
export function isInferred(ts, checker, place) {
  if (ts.isElementAccessExpression(place)) return isInferredList(ts, checker, place.expression);
  const declaration = untyped(ts, checker, place);
  return declaration !== undefined && isNothing(ts, declaration.initializer);
}

/** Whether a list is `const list = [];` and no more is told of it. */
export function isInferredList(ts, checker, list) {
  const initializer = untyped(ts, checker, list)?.initializer;
  return initializer !== undefined && ts.isArrayLiteralExpression(initializer) && initializer.elements.length === 0;
}

/** Whether an expression is `new Map()` or the like: until it is somewhere else, nobody can look into it. */
export function isFresh(ts, expression) {
  return ts.isNewExpression(expression) && (expression.arguments ?? []).length === 0;
}

function untyped(ts, checker, place) {
  const declaration = checker.getSymbolAtLocation(place)?.valueDeclaration;
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  const isTold = declaration.type !== undefined || ts.getJSDocType(declaration) !== undefined;
  return !isTold && ts.isVariableStatement(declaration.parent.parent) ? declaration : undefined;
}

function isNothing(ts, initializer) {
  if (initializer === undefined || initializer.kind === ts.SyntaxKind.NullKeyword) return true;
  return ts.isIdentifier(initializer) && initializer.text === "undefined";
}
