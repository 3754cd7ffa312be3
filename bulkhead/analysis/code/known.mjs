// Which types are a Worker's env, or hold one: what is known so far.
//
// An env is known by its members: every property that stems from the env's declaration, through Pick, Readonly, rest,
// intersections and whatever else keeps the declaration, or from a type that an env was once given to. So names of
// variables and interfaces play no part.

import { isPlatforms, isRuntimes, packageOf } from "./origins.mjs";
import { signaturesOf, takenBy } from "./signatures.mjs";

/** How far types are followed: those that contain themselves instantiate without end. */
export const DEEPEST = 12;

export class Known {
  /** Declarations (or symbols, where a mapped type left none) of env members, with the binding each stands for. */
  #members = new Map();
  /** The types that type parameters (by their symbols) stand for; the parameters of an env; of what carries one. */
  #standing = new Map();
  #envs = new Set();
  #carriers = new Set();
  /** Types of bindings that are granted for reading, and parameters that stand for them, with the bindings' names. */
  #reading = new Map();
  #answers = new Map();
  changed = false;

  constructor(ts, checker, env, readOnly) {
    Object.assign(this, { ts, checker });
    for (const member of checker.getPropertiesOfType(env)) {
      this.register(member, member.name);
      if (!readOnly.includes(member.name)) continue;
      const type = checker.getTypeOfSymbol(member);
      this.#reading.set(type, [...(this.#reading.get(type) ?? []), member.name]);
    }
  }

  /** Forgets what followed from less; to be called before all flows are gone through again. */
  restart() {
    this.changed = false;
    this.#answers.clear();
  }

  isEnv(type) {
    const { ts, checker } = this;
    if (type.isUnion()) return type.types.some((part) => this.isEnv(part));
    if (type.flags & ts.TypeFlags.Instantiable) {
      if (this.#envs.has(this.#parameter(type))) return true;
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint !== undefined && constraint !== type && this.isEnv(constraint);
    }
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return false;
    if (type.isIntersection() && type.types.some((part) => this.#envs.has(this.#parameter(part)))) return true;
    return checker.getPropertiesOfType(type).some((property) => this.bindingOf(property) !== undefined);
  }

  #parameter(type) {
    return type.isTypeParameter() && !type.isThisType ? type.symbol : undefined;
  }

  /** `T[K]` is in a T, and so is `Awaited<T>`. */
  #within(type) {
    if (type.flags & this.ts.TypeFlags.IndexedAccess) return this.#within(type.objectType);
    return this.#parameter(type.aliasSymbol?.name === "Awaited" ? type.aliasTypeArguments[0] : type);
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
    const whole = this.checker.getNonNullableType(type);
    const parts = type.isIntersection() ? type.types : [type]; // what is not null of a T is T & {}
    const standing = parts.flatMap((part) => this.#reading.get(this.#parameter(part)) ?? []);
    return this.#reading.get(whole) ?? standing;
  }

  /** Whether a value of the type is an env, or holds one that its holder can hand out. */
  carries(type) {
    return this.#holds(type, false);
  }

  /** Whether a value of the type carries an env, or is handed one (as a callback is), or may only be read. */
  touches(type) {
    return this.#holds(type, true);
  }

  /** Returns the types that a type parameter, of which a type may be a part, stands for, of those that are touched. */
  typesFor(parameter) {
    return [...(this.#standing.get(this.#within(parameter)) ?? [])];
  }

  isAnyStanding() {
    return this.#standing.size > 0;
  }

  /** A type parameter stands for the type from now on: inside the generic code, its values may be of it. */
  stand(parameter, type) {
    const key = this.#parameter(parameter);
    if (key === undefined || parameter === type || !this.touches(type)) return;
    const types = this.#standing.get(key) ?? this.#standing.set(key, new Set()).get(key);
    this.#note(types, type);
    // Asked now, and not when it matters: two parameters may stand for each other.
    if (this.isEnv(type)) this.#note(this.#envs, key);
    if (this.carries(type)) this.#note(this.#carriers, key);
    const names = this.#reading.get(key) ?? this.#reading.set(key, []).get(key);
    const more = this.readOnly(type).filter((name) => !names.includes(name));
    names.push(...more);
    this.changed ||= more.length > 0;
  }

  #note(facts, fact) {
    if (facts.has(fact)) return;
    facts.add(fact);
    this.changed = true;
  }

  register(property, binding) {
    for (const key of property.declarations ?? [property]) {
      if (this.#members.has(key)) continue;
      this.#members.set(key, binding);
      this.changed = true;
    }
  }

  /** Type arguments of a generic type of the language, the runtime or a package, whose inside is none of ours. */
  argumentsOf(type) {
    const { ts, checker } = this;
    if (!(type.objectFlags & ts.ObjectFlags.Reference)) return undefined;
    if (!isRuntimes(type.symbol) && packageOf(type.symbol) === undefined && !checker.isTupleType(type)) {
      return undefined;
    }
    return checker.getTypeArguments(type);
  }

  /** Whether an env is in a value of the type; with `either`, also whether the type is touched in another way. */
  #holds(type, either) {
    const known = this.#answers.get(either) ?? this.#answers.set(either, new Map()).get(either);
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
      const key = this.#within(type);
      if (this.#carriers.has(key) || (either && this.#standing.has(key))) return true;
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint !== undefined && constraint !== type && holds(constraint);
    }
    if (!(type.flags & ts.TypeFlags.Object)) return false;
    const list = this.argumentsOf(type);
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
