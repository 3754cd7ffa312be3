// Which types are a Worker's env, or hold one, and where such a value leaves the types' sight.
//
// An env is known by its members: every property that stems from the env's declaration, through Pick, Readonly, rest,
// intersections and whatever else keeps the declaration, or from a type that an env was once given to. So names of
// variables and interfaces play no part. `flow` follows assignability: a value of one type comes to a place of another.

import { isOnlyRuntimes, isPlatforms, isRuntimes, packageOf } from "./origins.mjs";
import { parameterOf, receiverOf, signaturesOf, takenBy } from "./signatures.mjs";

const DEEPEST = 12; // types that contain themselves instantiate without end
const OVERLOADS = 4; // that are held against each other
/** Generic types of the language that hand out what is in them, and take nothing in. */
const ONLY_OUT = new Set(["Promise", "PromiseLike", "ReadonlyArray", "ReadonlyMap", "ReadonlySet"]);

export class Flow {
  /** Declarations (or symbols, where a mapped type left none) of env members, with the binding each stands for. */
  #members = new Map();
  /** Type parameters that an env was handed in for. */
  #opaque = new Set();
  /** Types of bindings that are granted for reading, with the bindings' names. */
  #reading = new Map();
  #pairs = new Map();
  #known = new Map();
  changed = false;

  /**
   * `lost(node, into)` is told where an env is lost, `lost(node, into, bindings, members)` where one of these bindings
   * loses the type that lets it only be read, to one with these members.
   */
  constructor(ts, checker, env, readOnly, lost) {
    Object.assign(this, { ts, checker, env, lost });
    for (const member of checker.getPropertiesOfType(env)) {
      this.#register(member, member.name);
      if (!readOnly.includes(member.name)) continue;
      const type = checker.getTypeOfSymbol(member);
      this.#reading.set(type, [...(this.#reading.get(type) ?? []), member.name]);
    }
  }

  /** Forgets what followed from less; to be called before all flows are gone through again. */
  restart() {
    this.changed = false;
    this.#pairs.clear();
    this.#known.clear();
  }

  isEnv(type) {
    const { ts, checker } = this;
    if (type.isUnion()) return type.types.some((part) => this.isEnv(part));
    if (type.flags & ts.TypeFlags.Instantiable) {
      if (this.#standsForEnv(type)) return true;
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint !== undefined && constraint !== type && this.isEnv(constraint);
    }
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return false;
    if (type.isIntersection() && type.types.some((part) => this.#standsForEnv(part))) return true;
    return checker.getPropertiesOfType(type).some((property) => this.bindingOf(property) !== undefined);
  }

  #standsForEnv(type) {
    return type.isTypeParameter() && !type.isThisType && this.#opaque.has(type.symbol);
  }

  /** Returns the binding that a member of an env stands for, undefined when it stands for none. */
  bindingOf(property) {
    for (const key of property.declarations ?? [property]) {
      if (this.#members.has(key)) return this.#members.get(key);
    }
    return undefined;
  }

  /** Returns the bindings that a type was granted for reading as, none when it is no such type. */
  readOnly(type) {
    return this.#reading.get(this.checker.getNonNullableType(type)) ?? [];
  }

  /** Whether a value of the type is an env, or holds one that its holder can hand out. */
  carries(type) {
    return this.#holds(type, false);
  }

  /**
   * A value of type `source` goes to a place of type `target`; `node` is where, `into` names what takes it (without a
   * name, the type does).
   */
  flow(source, target, node, into, depth = 0) {
    const { ts, checker } = this;
    if (source === target || target === undefined || depth > DEEPEST) return;
    if (!this.#holds(source, true) && !this.#holds(target, true)) return;
    if (!this.#isNew(source, target, node)) return;
    into ??= checker.typeToString(target);
    const next = (from, to) => this.flow(from, to, node, into, depth + 1);

    if (source.isUnion()) return source.types.forEach((part) => next(part, target));
    if (target.isUnion()) {
      if (target.types.includes(source)) return;
      const fitting = target.types.filter((part) => checker.isTypeAssignableTo(source, part));
      // None fits where the runtime hands over an env, or where the compiler complains: then it may be any of them.
      return (fitting.length > 0 ? fitting : target.types).forEach((part) => next(source, part));
    }
    const names = this.readOnly(source);
    if (names.length > 0) return this.#narrowed(source, target, names, node, into);
    // A function that nobody has seen takes the place of one that is handed the env.
    if (this.#isUntyped(source) && this.#takesEnv(target)) return this.lost(node, into);
    if (this.#seesNothing(target)) {
      if (this.carries(source)) this.lost(node, into);
      return;
    }
    if (target.flags & ts.TypeFlags.Instantiable) {
      this.bind(target, source, node, into, depth + 1);
      return;
    }
    if (target.isIntersection()) {
      target.types.filter((part) => part.flags & ts.TypeFlags.Instantiable).forEach((part) => next(source, part));
    }
    if (this.isEnv(source)) return this.#view(source, target, node, into, next);
    this.#inside(source, target, next);
  }

  /** A type parameter stands for `type` from now on: inside the generic code, its values may be an env. */
  bind(parameter, type, node, into, depth = 0) {
    if (!this.#holds(type, true)) return;
    const isOwn = parameter.isTypeParameter() && !parameter.isThisType;
    if (isOwn && this.carries(type) && !this.#opaque.has(parameter.symbol)) {
      this.#opaque.add(parameter.symbol);
      this.changed = true;
    }
    const constraint = this.checker.getBaseConstraintOfType(parameter);
    if (constraint !== undefined && constraint !== parameter && !this.#seesNothing(constraint)) {
      this.flow(type, constraint, node, into, depth);
    }
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

  #register(property, binding) {
    for (const key of property.declarations ?? [property]) {
      if (this.#members.has(key)) continue;
      this.#members.set(key, binding);
      this.changed = true;
    }
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
      const binding = own === undefined ? property.name : this.bindingOf(own);
      if (binding !== undefined) this.#register(property, binding);
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
    const [from, to] = [this.#arguments(source), this.#arguments(target)];
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
    const [from, to] = [this.#arguments(source), this.#arguments(target)];
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
    if (this.carries(type)) return false;
    const hands = (signature) => takenBy(checker, signature).some((taken) => this.carries(taken));
    const takes = (one) => signaturesOf(ts, checker, one).some(hands);
    const members = checker.getPropertiesOfType(type).map((member) => checker.getTypeOfSymbol(member));
    return takes(type) || members.some((member) => takes(checker.getNonNullableType(member)));
  }

  #isUntyped(type) {
    return (type.flags & (this.ts.TypeFlags.Any | this.ts.TypeFlags.Unknown)) !== 0;
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

  /** Type arguments of a generic type of the language, the runtime or a package, whose inside is none of ours. */
  #arguments(type) {
    const { ts, checker } = this;
    if (!(type.objectFlags & ts.ObjectFlags.Reference)) return undefined;
    if (!isRuntimes(type.symbol) && packageOf(type.symbol) === undefined && !checker.isTupleType(type)) {
      return undefined;
    }
    return checker.getTypeArguments(type);
  }

  /** Whether an env is in a value of the type; with `either`, also whether one is handed to it (as to a callback). */
  #holds(type, either) {
    const known = this.#known.get(either) ?? this.#known.set(either, new Map()).get(either);
    const seen = new Set();
    const holds = (part, depth) => {
      if (known.has(part)) return known.get(part);
      if (seen.has(part) || depth > DEEPEST) return false;
      seen.add(part);
      const found = this.#look(part, either, (inner) => holds(inner, depth + 1));
      if (found) known.set(part, true);
      return found;
    };
    const found = holds(type, 0);
    // Only now: half-way, a type that contains itself looks empty.
    if (!found) seen.forEach((part) => known.set(part, false));
    return found;
  }

  #look(type, either, holds) {
    const { ts, checker } = this;
    if (this.isEnv(type) || (either && this.readOnly(type).length > 0)) return true;
    if (type.isUnionOrIntersection()) return type.types.some(holds);
    if (type.flags & ts.TypeFlags.Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint !== undefined && constraint !== type && holds(constraint);
    }
    if (!(type.flags & ts.TypeFlags.Object)) return false;
    const list = this.#arguments(type);
    // A binding such as DurableObjectNamespace<Ledger> names the class whose objects it reaches, and holds none.
    if (list !== undefined) return (either || !isPlatforms(type.symbol)) && list.some(holds);
    const signatures = signaturesOf(ts, checker, type).some((signature) => this.#hands(signature, either, holds));
    const isForeign = isRuntimes(type.symbol) || packageOf(type.symbol) !== undefined;
    if (isForeign && !(type.objectFlags & ts.ObjectFlags.Mapped)) return either && signatures;
    return (
      signatures ||
      checker.getPropertiesOfType(type).some((property) => holds(checker.getTypeOfSymbol(property))) ||
      checker.getIndexInfosOfType(type).some((info) => holds(info.type))
    );
  }

  #hands(signature, either, holds) {
    if (holds(signature.getReturnType())) return true;
    return either && takenBy(this.checker, signature).some(holds);
  }
}
