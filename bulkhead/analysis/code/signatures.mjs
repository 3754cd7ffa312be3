// What a signature takes, by the types of TypeScript's checker.

/** What the runtime calls of a Worker, and the place of the env among what it, or a constructor, is given. */
export const HANDLERS = ["fetch", "queue", "scheduled", "email", "tail", "tailStream", "trace", "test", "connect"];
export const PLACE = 1;

/** Returns the type of a signature's argument number `index`; undefined when there is none. */
export function parameterOf(ts, checker, signature, index) {
  const declared = signature.parameters;
  const last = declared.at(-1);
  const synthetic = (last?.links?.checkFlags ?? 0) & ts.CheckFlags.RestParameter; // of a tuple of arguments
  const isRest = last?.valueDeclaration?.dotDotDotToken !== undefined || synthetic !== 0;
  if (!isRest || index < declared.length - 1) return declared[index] && checker.getTypeOfSymbol(declared[index]);
  const list = checker.getTypeOfSymbol(last);
  const items = checker.isTupleType(list) ? checker.getTypeArguments(list) : [];
  return items[index - declared.length + 1] ?? checker.getIndexTypeOfType(list, ts.IndexKind.Number) ?? list;
}

/** Returns the declaration of a signature's argument number `index`; for a rest parameter, the one of all. */
export function declarationOf(signature, index) {
  const declared = signature.declaration?.parameters?.filter(({ name }) => name?.text !== "this") ?? [];
  const last = declared.at(-1);
  return declared[index] ?? (last?.dotDotDotToken === undefined ? undefined : last);
}

/** Returns the signatures by which a value of the type is called or constructed. */
export function signaturesOf(ts, checker, type) {
  const { Call, Construct } = ts.SignatureKind;
  return [Call, Construct].flatMap((kind) => [...checker.getSignaturesOfType(type, kind)]);
}
