// The net below the types: a binding that nobody was seen to use, and whose name stands where no type says of what.

/** Looks through `files` for each of `names` that no use was found of, and tells `found.used` of it. */
export function mentions(ts, checker, files, names, uses, found) {
  const seen = new Set(uses.map(({ binding }) => binding));
  const wanted = new Set(names.filter((name) => !seen.has(name)));
  if (wanted.size === 0) return;
  const isBlind = (node) => (checker.getTypeAtLocation(node).flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0;

  function visit(node) {
    if (ts.isPropertyAccessExpression(node) && wanted.has(node.name.text) && isBlind(node.expression)) {
      found.used(node.name.text, node.name, false);
    } else if (ts.isBindingElement(node) && isBlind(node.parent)) {
      const { text } = node.propertyName ?? node.name;
      if (wanted.has(text)) found.used(text, node, false);
    } else if (ts.isStringLiteralLike(node) && wanted.has(node.text) && !ts.isLiteralTypeNode(node.parent)) {
      found.used(node.text, node, false);
    }
    ts.forEachChild(node, visit);
  }
  files.forEach(visit);
}
