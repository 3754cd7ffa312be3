// Every place in a Worker's code where something is called: what it is given, and whose code it is.

import { isInferredList } from "./inferred.mjs";
import { declaredIn, isRuntimes, packageOf } from "./origins.mjs";
import { parameterOf, receiverOf, signaturesOf } from "./signatures.mjs";

const LOOKS_AT_ALL = new Set(["ObjectConstructor", "ProxyConstructor", "Reflect"]);
const GIVES_OUT = "PromiseConstructor"; // what is in a list, by a type that is no longer the list's
const KEEPS_ENV = new Set(["withEnv", "withEnvAndExports"]);
const PUTS_IN = new Set(["push", "unshift"]);

/** `lost(node, into)` is told what is given to code that nobody checks. */
export class Calls {
  constructor(ts, checker, known, flow, lost) {
    Object.assign(this, { ts, checker, known, flow, lost });
  }

  /** A call, `new` or a tagged template. */
  called(node, callee, given) {
    const { ts, checker, flow } = this;
    const signature = checker.getResolvedSignature(node);
    const taker = this.#taker(signature, callee);
    this.#instantiated(signature, node, taker.into);
    this.#told(signature, callee, given, taker.into);
    if (signature?.thisParameter && ts.isPropertyAccessExpression(callee)) {
      flow.flow(this.#type(callee.expression), receiverOf(checker, signature), callee, taker.into);
    }
    if (this.#isPutInto(callee)) return;
    this.#placed(given).forEach(({ argument, type }, index) => {
      const isThis = taker.isBuiltIn && signature.parameters[index]?.name === "thisArg";
      const method = isThis ? (given[index - 1] ?? callee.expression) : undefined;
      if (type === undefined || (method && this.#isOwner(argument, method))) return;
      if (isThis) flow.opened(type, argument); // whatever the method is, it looks into what it is called on
      const told = method && this.#receivers(this.#type(method))[0];
      this.#give(argument, type, told ?? (taker.made && parameterOf(ts, checker, signature, index)), taker);
    });
  }

  /** A method's decorator is given the method, and what it returns takes its place. */
  decorator(node) {
    const { ts, checker, flow } = this;
    const signature = checker.getResolvedSignature(node);
    if (signature === undefined || !ts.isMethodDeclaration(node.parent)) return;
    const { into } = this.#taker(signature, node.expression);
    const [method, holder] = [node.parent, node.parent.parent].map((one) => this.#type(one));
    const result = signature.getReturnType();
    this.#instantiated(signature, node, into);
    flow.flow(method, parameterOf(ts, checker, signature, 0), node, into);
    flow.flow(result, method, node, into);
    this.#receivers(result).forEach((receiver) => flow.flow(holder, receiver, node, into));
  }

  /** `<View env={env} {...more} />`: its attributes are the members of what the component takes. */
  element(node) {
    const { ts, checker } = this;
    const signature = checker.getResolvedSignature(node);
    const taker = this.#taker(signature, node.tagName);
    this.#instantiated(signature, node, taker.into);
    const target = taker.made && parameterOf(ts, checker, signature, 0);
    for (const attribute of node.attributes.properties) {
      const isSpread = ts.isJsxSpreadAttribute(attribute);
      const given = isSpread ? attribute.expression : attribute.initializer?.expression;
      if (given === undefined) continue;
      const place = isSpread || target === undefined ? target : this.#member(target, attribute.name.getText());
      this.#give(given, this.#type(given), place, taker);
    }
  }

  /** The type arguments of a type: where it is one of ours, the generic code is given what is written here. */
  written(name, typeArguments) {
    if (name === undefined || typeArguments === undefined) return;
    const symbol = this.checker.getSymbolAtLocation(name);
    const isAlias = ((symbol?.flags ?? 0) & this.ts.SymbolFlags.Alias) !== 0;
    const target = isAlias ? this.checker.getAliasedSymbol(symbol) : symbol;
    // A package's type only says what the package hands out; it is given nothing by it.
    if (target === undefined || packageOf(target) !== undefined) return;
    const parameters = target.declarations?.find((declaration) => declaration.typeParameters)?.typeParameters ?? [];
    typeArguments.forEach((argument, index) => {
      const parameter = parameters[index] && this.#type(parameters[index]);
      if (parameter) this.#bound(parameter, this.checker.getTypeFromTypeNode(argument), argument);
    });
  }

  #type(node) {
    return this.checker.getTypeAtLocation(node);
  }

  #member(type, name) {
    const { ts, checker } = this;
    const member = checker.getPropertyOfType(type, name);
    if (member !== undefined) return checker.getTypeOfSymbol(member);
    return checker.getIndexTypeOfType(type, ts.IndexKind.String) ?? type;
  }

  /** Who is called: the declaration, and the name of it or of where its code is when that is not one's own. */
  #taker(signature, callee) {
    const made = signature?.declaration;
    const behind = declaredIn(this.ts, made);
    const owner = packageOf(made?.symbol) ?? behind;
    return { made, owner, behind, isBuiltIn: isRuntimes(made?.symbol), into: owner ?? callee.getText() };
  }

  #give(argument, type, target, { made, owner, behind, isBuiltIn, into }) {
    const { ts, known, flow } = this;
    if (isBuiltIn && nameAround(ts, made) === GIVES_OUT) flow.opened(type, argument);
    if (known.carries(type)) {
      if (isBuiltIn && KEEPS_ENV.has(made.name?.text) && known.isEnv(type)) return;
      const looksAtAll = isBuiltIn && LOOKS_AT_ALL.has(nameAround(ts, made));
      const isElses = owner !== undefined && (known.isEnv(type) || owner === behind);
      if (target === undefined || looksAtAll || isElses) return this.lost(argument, into);
    }
    flow.flow(type, target, argument, into);
  }

  /** Each argument in its place; a spread tuple is as many as it has elements, any other spread is one of them. */
  #placed(given) {
    const { ts, checker } = this;
    return given.flatMap((argument) => {
      if (!ts.isSpreadElement(argument)) return [{ argument, type: this.#type(argument) }];
      const list = this.#type(argument.expression);
      if (checker.isTupleType(list)) return checker.getTypeArguments(list).map((type) => ({ argument, type }));
      const isGeneric = (list.flags & ts.TypeFlags.Instantiable) !== 0;
      return [{ argument, type: isGeneric ? list : checker.getIndexTypeOfType(list, ts.IndexKind.Number) }];
    });
  }

  /** `list.push(env)`, where the list has the type of what is put into it. */
  #isPutInto(callee) {
    const { ts, checker } = this;
    if (!ts.isPropertyAccessExpression(callee) || !PUTS_IN.has(callee.name.text)) return false;
    return isInferredList(ts, checker, callee.expression);
  }

  /** What a function says of its `this`. */
  #receivers(type) {
    const { ts, checker } = this;
    return signaturesOf(ts, checker, type).flatMap((signature) => receiverOf(checker, signature) ?? []);
  }

  /** `this.go.bind(this)`: a method that says nothing of its `this` gets the object that it is of. */
  #isOwner(argument, method) {
    const { ts } = this;
    if (ts.isArrowFunction(method)) return true; // it has its own already
    const isOf = ts.isPropertyAccessExpression(method) && method.expression.getText() === argument.getText();
    return isOf && this.#receivers(this.#type(method)).length === 0;
  }

  /** A type predicate, or an assertion: what is asked about has the type that it tells from there on. */
  #told(signature, callee, given, into) {
    const predicate = signature && this.checker.getTypePredicateOfSignature(signature);
    if (predicate?.type === undefined) return;
    const isOfThis = predicate.parameterIndex === undefined;
    const about = isOfThis ? callee.expression : given[predicate.parameterIndex];
    if (about !== undefined) this.flow.flow(this.#type(about), predicate.type, about, into);
  }

  /** The type arguments of a call, written or inferred: for these, the generic code is given what is given here. */
  #instantiated(signature, node, into) {
    const { checker } = this;
    const types = signature && checker.getTypeArgumentsForResolvedSignature(signature);
    const { typeParameters } = signature?.target ?? signature ?? {};
    types?.forEach((type, index) => this.#bound(typeParameters[index], type, node, into));
  }

  #bound(parameter, type, node, into) {
    if (isRuntimes(parameter.symbol)) return; // the language and the runtime hand on what they were given
    if (packageOf(parameter.symbol) === undefined) this.flow.bind(parameter, type, node, into);
    else if (this.known.carries(type)) this.lost(node, packageOf(parameter.symbol));
  }
}

/** The interface or namespace that a function of the language is declared in. */
function nameAround(ts, declaration) {
  const isNamed = (above) => ts.isInterfaceDeclaration(above) || ts.isModuleDeclaration(above);
  return ts.findAncestor(declaration.parent, isNamed)?.name.text;
}
