// What a signature takes, by the types of TypeScript's checker.

/** Returns the type of a signature's argument number `index`; undefined when there is none. */
export function parameterOf(ts, checker, signature, index) {
  const declared = signature.parameters;
  const last = declared.at(-1);
  const synthetic = (last?.links?.checkFlags ?? 0) & ts.CheckFlags.RestParameter; // of a tuple of arguments
  const isRest = last?.valueDeclaration?.dotDotDotToken !== undefined || synthetic !== 0;
  if (!isRest || index < declared.length - 1) return declared[index] && checker.getTypeOfSymbol(declared[index]);
  const list = checker.getTypeOfSymbol(last);
  if (list.flags & ts.TypeFlags.Instantiable) return list; // `...args: A` takes all of a spread A
  const items = checker.isTupleType(list) ? checker.getTypeArguments(list) : [];
  return items[index - declared.length + 1] ?? checker.getIndexTypeOfType(list, ts.IndexKind.Number) ?? list;
}

/** Returns the type that a signature declares for `this`; undefined when it declares none. */
export function receiverOf(checker, { thisParameter }) {
  return thisParameter && checker.getTypeOfSymbol(thisParameter);
}

/** Returns the types of all that a signature takes, `this` included. */
export function takenBy(checker, { thisParameter, parameters }) {
  const taken = thisParameter === undefined ? parameters : [thisParameter, ...parameters];
  return taken.map((parameter) => checker.getTypeOfSymbol(parameter));
}

/** Returns the signatures by which a value of the type is called or constructed. */
export function signaturesOf(ts, checker, type) {
  const { Call, Construct } = ts.SignatureKind;
  return [Call, Construct].flatMap((kind) => [...checker.getSignaturesOfType(type, kind)]);
}
