// Which types are a Worker's env, or hold one, and where such a value leaves the types' sight.
//
// An env is known by its members: every property that stems from the env's declaration, through Pick, Readonly, rest,
// intersections and whatever else keeps the declaration, or from a type that an env was once given to. So names of
// variables and interfaces play no part. `flow` follows assignability: a value of one type comes to a place of another.

const PLATFORM = /\/node_modules\/@cloudflare\/workers-types\//;
const RUNTIME = /\/node_modules\/(@cloudflare\/workers-types|typescript\/lib|@types\/node)\//;
const DEEPEST = 12; // types that contain themselves instantiate without end
const OVERLOADS = 4; // that are held against each other

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

  /** Returns the type of a signature's argument number `index`; undefined when there is none. */
  parameter(signature, index) {
    const { checker } = this;
    const declared = signature.parameters;
    const last = declared.at(-1);
    const synthetic = (last?.links?.checkFlags ?? 0) & this.ts.CheckFlags.RestParameter; // of a tuple of arguments
    const isRest = last?.valueDeclaration?.dotDotDotToken !== undefined || synthetic !== 0;
    if (!isRest || index < declared.length - 1) return declared[index] && checker.getTypeOfSymbol(declared[index]);
    const list = checker.getTypeOfSymbol(last);
    const items = checker.isTupleType(list) ? checker.getTypeArguments(list) : [];
    return items[index - declared.length + 1] ?? checker.getIndexTypeOfType(list, this.ts.IndexKind.Number) ?? list;
  }

  /** Returns the type that a signature declares for `this`; undefined when it declares none. */
  receiver({ thisParameter }) {
    return thisParameter && this.checker.getTypeOfSymbol(thisParameter);
  }

  /** The name of the package that a symbol comes from; undefined for one's own code, the runtime and the language. */
  packageOf(symbol) {
    const file = symbol?.declarations?.[0]?.getSourceFile().fileName;
    if (file === undefined || RUNTIME.test(file)) return undefined;
    return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1].replace(/^@types\//, "");
  }

  /** Whether a symbol is the runtime's or the language's. */
  isRuntimes(symbol) {
    return isFrom(symbol, RUNTIME);
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
    const owner = this.packageOf(target.aliasSymbol ?? target.symbol);
    if (owner !== undefined) return this.lost(node, owner);
    // `Object` and its like; the runtime's own empty Cloudflare.Env is declared by the Worker as well.
    const isLanguages = target.symbol?.declarations?.every((declaration) => isIn(declaration, RUNTIME));
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
    if (from !== undefined && to !== undefined) {
      from.forEach((argument, index) => to.length > 0 && next(argument, to[Math.min(index, to.length - 1)]));
      return;
    }
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

  /** A function is called through another type: arguments come in by that type, the result goes out by it. */
  #call(own, seen, next) {
    const count = Math.max(own.parameters.length, seen.parameters.length);
    for (let index = 0; index < count; index += 1) {
      const [given, taken] = [this.parameter(seen, index), this.parameter(own, index)];
      if (given !== undefined && taken !== undefined) next(given, taken);
    }
    if (seen.thisParameter && own.thisParameter) next(this.receiver(seen), this.receiver(own));
    next(own.getReturnType(), seen.getReturnType());
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
    if (!this.isRuntimes(type.symbol) && this.packageOf(type.symbol) === undefined && !checker.isTupleType(type)) {
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
    if (list !== undefined) return (either || !isFrom(type.symbol, PLATFORM)) && list.some(holds);
    const signatures = this.#signatures(type).some((signature) => this.#hands(signature, either, holds));
    const isForeign = this.isRuntimes(type.symbol) || this.packageOf(type.symbol) !== undefined;
    if (isForeign && !(type.objectFlags & ts.ObjectFlags.Mapped)) return either && signatures;
    return (
      signatures ||
      checker.getPropertiesOfType(type).some((property) => holds(checker.getTypeOfSymbol(property))) ||
      checker.getIndexInfosOfType(type).some((info) => holds(info.type))
    );
  }

  #signatures(type) {
    const { Call, Construct } = this.ts.SignatureKind;
    return [Call, Construct].flatMap((kind) => [...this.checker.getSignaturesOfType(type, kind)]);
  }

  #hands(signature, either, holds) {
    if (holds(signature.getReturnType())) return true;
    const taken = [signature.thisParameter, ...signature.parameters].filter((parameter) => parameter !== undefined);
    return either && taken.some((parameter) => holds(this.checker.getTypeOfSymbol(parameter)));
  }
}

function isFrom(symbol, place) {
  return symbol?.declarations?.some((declaration) => isIn(declaration, place)) ?? false;
}

function isIn(declaration, place) {
  return place.test(declaration.getSourceFile().fileName);
}
