// Where a value that is a Worker's env, or holds one, leaves the types' sight.
//
// `flow` follows assignability: a value of one type comes to a place of another.

import { isFresh } from "./inferred.mjs";
import { DEEPEST } from "./known.mjs";
import { isOnlyRuntimes, isRuntimes, packageOf } from "./origins.mjs";
import { parameterOf, receiverOf, signaturesOf, takenBy } from "./signatures.mjs";

const OVERLOADS = 4; // that are held against each other
/** Generic types of the language that hand out what is in them, and take nothing in. */
const ONLY_OUT = new Set(["Promise", "PromiseLike", "ReadonlyArray", "ReadonlyMap", "ReadonlySet"]);

export class Flow {
  #pairs = new Map();

  /**
   * `lost(node, into)` is told where an env is lost, `lost(node, into, bindings, members)` where one of these bindings
   * loses the type that lets it only be read, to one with these members.
   */
  constructor(ts, checker, known, lost) {
    Object.assign(this, { ts, checker, known, lost });
  }

  /** Forgets where it has been; to be called before all flows are gone through again. */
  restart() {
    this.#pairs.clear();
  }

  /**
   * A value of type `source` goes to a place of type `target`; `node` is where, `into` names what takes it (without a
   * name, the type does).
   */
  flow(source, target, node, into, depth = 0) {
    const { ts, checker } = this;
    if (source === target || target === undefined || depth > DEEPEST) return;
    if (!this.known.touches(source) && !this.known.touches(target)) return;
    if (!this.#isNew(source, target, node)) return;
    if (depth === 0 && isRuntimes(source.symbol) && isFresh(ts, node)) return;
    into ??= checker.typeToString(target);
    const next = (from, to) => this.flow(from, to, node, into, depth + 1);

    if (source.isUnion()) return source.types.forEach((part) => next(part, target));
    if (target.isUnion()) {
      if (target.types.includes(source)) return;
      const fitting = target.types.filter((part) => checker.isTypeAssignableTo(source, part));
      // None fits where the runtime hands over an env, or where the compiler complains: then it may be any of them.
      return (fitting.length > 0 ? fitting : target.types).forEach((part) => next(source, part));
    }
    const names = this.known.readOnly(source);
    if (names.length > 0) return this.#narrowed(source, target, names, node, into);
    // A function that nobody has seen takes the place of one that is handed the env.
    if (this.#isUntyped(source) && this.#takesEnv(target)) return this.lost(node, into);
    if (this.#seesNothing(target)) {
      if (this.known.carries(source)) this.lost(node, into);
      return;
    }
    if (target.flags & ts.TypeFlags.Instantiable) {
      this.bind(target, source, node, into, depth + 1);
      // What takes an env has to be one of its kind, whatever the generic code makes of it.
      this.known.typesFor(target).forEach((type) => this.known.carries(type) || next(source, type));
      return;
    }
    if (source.flags & ts.TypeFlags.IndexedAccess) this.opened(source.objectType, node);
    const types = this.known.typesFor(source);
    if (types.length > 0) return types.forEach((type) => next(type, target));
    if (source.isIntersection()) {
      source.types.flatMap((part) => this.known.typesFor(part)).forEach((type) => next(type, target));
    }
    if (target.isIntersection()) {
      target.types.filter((part) => part.flags & ts.TypeFlags.Instantiable).forEach((part) => next(source, part));
    }
    if (this.known.isEnv(source)) return this.#view(source, target, node, into, next);
    this.#inside(source, target, next);
  }

  /** A type parameter stands for `type` from now on, and is seen through its constraint. */
  bind(parameter, type, node, into, depth = 0) {
    if (!this.known.touches(type)) return;
    this.known.stand(parameter, type);
    const constraint = this.checker.getBaseConstraintOfType(parameter);
    if (constraint === undefined || constraint === parameter) return;
    if (this.#seesNothing(constraint) || this.#isBlindList(constraint)) return;
    this.flow(type, constraint, node, into, depth);
  }

  /** A value of the type is looked into: a generic list, whose type tells nothing, is seen through its constraint. */
  opened(type, node) {
    const { ts, checker } = this;
    const each = (parts) => parts.forEach((part) => this.opened(part, node));
    if (type.isUnionOrIntersection()) return each(type.types);
    if (type.flags & ts.TypeFlags.IndexedAccess) return each([type.objectType]);
    if (checker.isTupleType(type)) return each(checker.getTypeArguments(type));
    if (type.flags & ts.TypeFlags.Conditional) return each([type.checkType]);
    if (type.objectFlags & ts.ObjectFlags.Mapped) return each([...(type.aliasTypeArguments ?? []), ...this.#mapped(type)]);
    const constraint = type.isTypeParameter() ? checker.getBaseConstraintOfType(type) : undefined;
    if (constraint === undefined || !this.#isBlindList(constraint)) return;
    this.known.typesFor(type).forEach((own) => this.flow(own, constraint, node));
  }

  /** What `{ [K in keyof T]: ... }` goes over. */
  #mapped({ declaration }) {
    const keys = this.checker.getTypeFromTypeNode(declaration.typeParameter.constraint);
    return keys.flags & this.ts.TypeFlags.Index ? [keys.type] : [];
  }

  /** A function is entered with what one of the signatures promises by which it may be called. */
  entered(own, promised, node) {
    this.#call(own, promised, (from, to) => this.flow(from, to, node));
  }

  #isNew(source, target, node) {
    const pairs = this.#pairs.get(node) ?? this.#pairs.set(node, new Set()).get(node);
    const pair = `${source.id},${target.id}`;
    return !pairs.has(pair) && pairs.add(pair);
  }

  /** An env is seen through another type from here on: its members are the env's, by name. */
  #view(source, target, node, into, next) {
    const { checker } = this;
    const owner = packageOf(target.aliasSymbol ?? target.symbol);
    if (owner !== undefined) return this.lost(node, owner);
    // `Object` and its like; the runtime's own empty Cloudflare.Env is declared by the Worker as well.
    const isLanguages = isOnlyRuntimes(target.symbol);
    const isMapped = (target.objectFlags & this.ts.ObjectFlags.Mapped) !== 0;
    if ((isLanguages && !isMapped) || checker.getIndexInfosOfType(target).length > 0) return this.lost(node, into);
    for (const property of checker.getPropertiesOfType(target)) {
      const own = checker.getPropertyOfType(source, property.name);
      const binding = own === undefined ? property.name : this.known.bindingOf(own);
      if (binding !== undefined) this.known.register(property, binding);
      if (own !== undefined) next(checker.getTypeOfSymbol(own), checker.getTypeOfSymbol(property));
    }
  }

  /** What may only be read keeps the type that says so: any other that it is given has to offer no more. */
  #narrowed(source, target, names, node, into) {
    const { checker } = this;
    const members = checker.getPropertiesOfType(target).map(({ name }) => name);
    const more = members.filter((name) => checker.getPropertyOfType(source, name) === undefined);
    if (this.#seesNothing(target) || more.length > 0) this.lost(node, into, names, more);
  }

  /** Neither is an env, but an env may be inside: what is in one place of the source comes into that of the target. */
  #inside(source, target, next) {
    const { checker } = this;
    const { Call, Construct } = this.ts.SignatureKind;
    const [from, to] = [this.known.argumentsOf(source), this.known.argumentsOf(target)];
    if (from !== undefined && to !== undefined) return this.#throughArguments(source, target, next);
    for (const property of checker.getPropertiesOfType(target)) {
      const own = checker.getPropertyOfType(source, property.name);
      if (own !== undefined) next(checker.getTypeOfSymbol(own), checker.getTypeOfSymbol(property));
    }
    for (const { type } of checker.getIndexInfosOfType(target)) {
      checker.getPropertiesOfType(source).forEach((own) => next(checker.getTypeOfSymbol(own), type));
      checker.getIndexInfosOfType(source).forEach((own) => next(own.type, type));
    }
    for (const kind of [Call, Construct]) {
      const theirs = checker.getSignaturesOfType(target, kind);
      const ours = checker.getSignaturesOfType(source, kind);
      for (const their of theirs.slice(0, OVERLOADS)) {
        ours.slice(0, OVERLOADS).forEach((our) => this.#call(our, their, next));
      }
    }
  }

  /** What is in a generic type comes out by the other's arguments; what that one takes comes in by its own. */
  #throughArguments(source, target, next) {
    const { checker } = this;
    const [from, to] = [this.known.argumentsOf(source), this.known.argumentsOf(target)];
    const isSame = source.symbol === target.symbol && !checker.isTupleType(target);
    const isBothWays = isSame && !ONLY_OUT.has(target.symbol.name);
    if (to.length === 0) return;
    from.forEach((own, index) => {
      const seen = to[Math.min(index, to.length - 1)];
      next(own, seen);
      const isNothing = (own.flags & this.ts.TypeFlags.Never) !== 0; // as in the type of `[]`
      if (isBothWays && !isNothing && !this.#isUntyped(seen)) next(seen, own);
    });
  }

  /** A function is called through another type: arguments come in by that type, the result goes out by it. */
  #call(own, seen, next) {
    const count = Math.max(own.parameters.length, seen.parameters.length);
    for (let index = 0; index < count; index += 1) {
      const [given, taken] = [seen, own].map((signature) => parameterOf(this.ts, this.checker, signature, index));
      if (given !== undefined && taken !== undefined) next(given, taken);
    }
    const [given, taken] = [seen, own].map((signature) => receiverOf(this.checker, signature));
    if (given !== undefined && taken !== undefined) next(given, taken);
    next(own.getReturnType(), seen.getReturnType());
  }

  /** Whether a value of the type, which holds no env, is handed one when it, or a member of it, is called. */
  #takesEnv(type) {
    const { ts, checker } = this;
    if (this.known.carries(type)) return false;
    const hands = (signature) => takenBy(checker, signature).some((taken) => this.known.carries(taken));
    const takes = (one) => signaturesOf(ts, checker, one).some(hands);
    const members = checker.getPropertiesOfType(type).map((member) => checker.getTypeOfSymbol(member));
    return takes(type) || members.some((member) => takes(checker.getNonNullableType(member)));
  }

  #isUntyped(type) {
    return (type.flags & (this.ts.TypeFlags.Any | this.ts.TypeFlags.Unknown)) !== 0;
  }

  /** Whether a type is a list that tells nothing of what is in it: as arguments, `unknown[]` is any arguments. */
  #isBlindList(type) {
    return this.checker.isArrayType(type) && this.#seesNothing(this.checker.getTypeArguments(type)[0]);
  }

  /** Whether a type tells nothing of what is in it. */
  #seesNothing(type) {
    const { ts, checker } = this;
    if (this.#isAnything(type)) return true;
    if (!(type.flags & ts.TypeFlags.Object)) return false;
    return (
      checker.getPropertiesOfType(type).length === 0 &&
      checker.getIndexInfosOfType(type).length === 0 &&
      checker.getSignaturesOfType(type, ts.SignatureKind.Call).length === 0 &&
      checker.getSignaturesOfType(type, ts.SignatureKind.Construct).length === 0
    );
  }

  #isAnything(type) {
    const { Any, Unknown, NonPrimitive, Never } = this.ts.TypeFlags;
    return (type.flags & (Any | Unknown | NonPrimitive | Never)) !== 0;
  }
}
