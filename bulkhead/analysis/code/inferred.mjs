// What has the type of what is put into it: TypeScript follows that, or complains. From one function into another it
// does not follow it, nor into what got hold of a list before.

/** Whether something is assigned to `let e;`, to `let e = null;` or to an element of `const list = [];`. */
export function isInferred(ts, checker, place) {
  if (ts.isElementAccessExpression(place)) return isInferredList(ts, checker, place.expression);
  const declaration = untyped(ts, checker, place);
  if (declaration === undefined || !isNothing(ts, declaration.initializer)) return false;
  return declaration.initializer === undefined || isHere(ts, declaration, place); // without one, it complains
}

/** Whether a list is `const list = [];` and no more is told of it. */
export function isInferredList(ts, checker, list) {
  const declaration = untyped(ts, checker, list);
  const initializer = declaration?.initializer;
  if (initializer === undefined || !ts.isArrayLiteralExpression(initializer)) return false;
  return initializer.elements.length === 0 && isHere(ts, declaration, list) && isUnseen(ts, checker, declaration, list);
}

/** Whether an expression is `new Map()` or the like, for one place: until it is there, nobody can look into it. */
export function isFresh(ts, expression) {
  if (!ts.isNewExpression(expression) || (expression.arguments ?? []).length > 0) return false;
  const { parent } = expression;
  const isAssigned = ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return !isAssigned || ts.isExpressionStatement(parent.parent);
}

/** Whether a place is in the function that declares what it names. */
function isHere(ts, declaration, place) {
  return ts.findAncestor(declaration, ts.isFunctionLike) === ts.findAncestor(place, ts.isFunctionLike);
}

/** Whether a list was only put into so far. */
function isUnseen(ts, checker, declaration, list) {
  const symbol = checker.getSymbolAtLocation(list);
  const isOther = (node) =>
    ts.isIdentifier(node) && node.text === list.text && node !== declaration.name && !isLookedInto(ts, node);
  const isSeen = (node) =>
    node.pos < list.pos &&
    ((isOther(node) && checker.getSymbolAtLocation(node) === symbol) || ts.forEachChild(node, isSeen) === true);
  return !isSeen(ts.findAncestor(declaration, ts.isFunctionLike) ?? declaration.getSourceFile());
}

/** `list.push`, `list.length`, and `list[0]`: what is in it then has the type that it has got so far. */
function isLookedInto(ts, node) {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)) && parent.expression === node
  );
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
