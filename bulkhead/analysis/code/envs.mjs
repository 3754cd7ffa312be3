// Which values are a Worker's env: what is known so far.
//
// An env is known by its members: every property that stems from a declaration of an env that the runtime hands out,
// through Pick, Readonly, rest, spread and whatever else keeps the declaration. Where a type says nothing (`any`, plain
// JavaScript), the place is known that the env was put into.

import { isRuntimes } from "./origins.mjs";

export class Envs {
  /** Declarations of env members (symbols, where a mapped type left none), with the binding each stands for. */
  #members = new Map();
  /** Declarations of places that hold an env, and whose type does not say so. */
  #places = new Set();
  #answers = new Map();
  changed = false;

  constructor(ts, checker) {
    Object.assign(this, { ts, checker });
  }

  restart() {
    this.changed = false;
  }

  /** Returns the binding that a member stands for; undefined when it stands for none. */
  bindingOf(property) {
    for (const key of property?.declarations ?? [property]) {
      if (this.#members.has(key)) return this.#members.get(key);
    }
    return undefined;
  }

  /** All names by which bindings are known. */
  get names() {
    return new Set(this.#members.values());
  }

  /** The names of the bindings that are declared to be of a type of the runtime. */
  ofKind(kind) {
    const isOf = (key) => {
      const type = key.kind === undefined ? this.checker.getTypeOfSymbol(key) : this.checker.getTypeAtLocation(key);
      return this.checker.getNonNullableType(type).symbol?.name === kind;
    };
    return [...this.#members].filter(([key]) => isOf(key)).map(([, binding]) => binding);
  }

  /** Whether the type says that a value of it is an env. */
  says(type) {
    if (!this.#answers.has(type)) {
      this.#answers.set(type, false); // half-way, for types that contain themselves
      this.#answers.set(type, this.#look(type));
    }
    return this.#answers.get(type);
  }

  #look(type) {
    const { ts, checker } = this;
    if (type.isUnion()) return type.types.some((part) => this.says(part));
    if (type.flags & ts.TypeFlags.Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint !== undefined && constraint !== type && this.says(constraint);
    }
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return false;
    return checker.getPropertiesOfType(type).some((property) => this.bindingOf(property) !== undefined);
  }

  /** Whether a type says nothing of what is in a value of it. */
  isBlind(type) {
    const { ts, checker } = this;
    const { Any, Unknown, NonPrimitive, Never, Instantiable, Object: Whole } = ts.TypeFlags;
    if (type.flags & (Any | Unknown | NonPrimitive | Never)) return true;
    if (type.isUnion()) return type.types.every((part) => this.isBlind(part));
    if (type.flags & Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      return constraint === undefined || constraint === type || this.isBlind(constraint);
    }
    if (!(type.flags & Whole)) return false;
    const properties = checker.getPropertiesOfType(type);
    // Of an untyped `{ DB }` the compiler makes a type, which says what is taken out of a value and not what is in it.
    const isOfPattern = type.symbol === undefined && properties.every(({ declarations }) => declarations === undefined);
    if (properties.length > 0 && !isOfPattern) return false;
    const { Call, Construct } = ts.SignatureKind;
    return [Call, Construct].every((kind) => checker.getSignaturesOfType(type, kind).length === 0);
  }

  /** Whether a symbol is a place that an env was put into. */
  isPlace(symbol) {
    return symbol?.declarations?.some((declaration) => this.#places.has(declaration)) ?? false;
  }

  has(declaration) {
    return this.#places.has(declaration);
  }

  /** An env is put into a place: its type says what it is like, or nothing, and then the place is remembered. */
  put(declaration, type, source) {
    if (this.isBlind(this.checker.getNonNullableType(type))) this.hold(declaration);
    else this.register(type, source);
  }

  /** A place holds an env from now on. */
  hold(declaration) {
    if (declaration === undefined || this.#places.has(declaration)) return;
    this.#places.add(declaration);
    this.changed = true;
  }

  /** What has the type is an env: each of its members stands for the binding of its name, or of `source`'s member. */
  register(type, source) {
    const { ts, checker } = this;
    const whole = checker.getNonNullableType(type);
    if (whole === source) return;
    if (whole.isUnion()) {
      const fitting = source ? whole.types.filter((part) => checker.isTypeAssignableTo(source, part)) : [];
      return (fitting.length > 0 ? fitting : whole.types).forEach((part) => this.register(part, source));
    }
    if (!(whole.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection | ts.TypeFlags.Instantiable))) return;
    for (const property of checker.getPropertiesOfType(checker.getApparentType(whole))) {
      const own = source && checker.getPropertyOfType(source, property.name);
      const binding = own === undefined ? property.name : this.bindingOf(own);
      if (binding === undefined || isNone(ts, property)) continue;
      for (const key of property.declarations ?? [property]) {
        if (this.#members.has(key)) continue;
        this.#members.set(key, binding);
        this.changed = true;
        this.#answers.clear();
      }
    }
  }
}

/** Methods, symbols and what the runtime declares are no bindings, whatever was taken for an env. */
function isNone(ts, property) {
  const isRuntimesOwn = property.declarations?.every(isRuntimes) ?? false;
  return isRuntimesOwn || (property.flags & ts.SymbolFlags.Method) !== 0 || property.name.startsWith("__@");
}
