// Every place in a Worker's code where a value of one type comes to a place of another; a Flow judges each.

import { Calls } from "./calls.mjs";
import { isInferred } from "./inferred.mjs";
import { isRuntimes, packageOf } from "./origins.mjs";

/** `lost(node, into)` is told of what needs no second type: a spread, a throw, a function that looks at everything. */
export class Sites {
  constructor(ts, checker, known, flow, lost) {
    const calls = new Calls(ts, checker, known, flow, lost);
    Object.assign(this, { ts, checker, known, flow, lost, calls });
  }

  visit(node) {
    this.#here(node);
    this.ts.forEachChild(node, (child) => this.visit(child));
  }

  #here(node) {
    const { ts, known, calls } = this;
    const is = ts.SyntaxKind;
    switch (node.kind) {
      case is.VariableDeclaration:
      case is.Parameter:
      case is.PropertyDeclaration:
      case is.BindingElement:
        return node.initializer && this.#into(node.initializer, this.#type(node.name));
      case is.BinaryExpression:
        return this.#binary(node);
      case is.ConditionalExpression:
        return [node.whenTrue, node.whenFalse].forEach((branch) => this.#into(branch, this.#type(node)));
      case is.ArrayLiteralExpression:
        return this.#list(node);
      case is.AsExpression:
      case is.TypeAssertionExpression:
      case is.ParenthesizedExpression: // in JavaScript, /** @type {any} */ (env) is a cast
        return this.#into(node.expression, this.#type(node));
      case is.CallExpression:
      case is.NewExpression:
        return calls.called(node, node.expression, node.arguments ?? []);
      case is.TaggedTemplateExpression:
        return calls.called(node, node.tag, [node.template, ...(node.template.templateSpans ?? []).map(filled)]);
      case is.JsxOpeningElement:
      case is.JsxSelfClosingElement:
        return calls.element(node);
      case is.Decorator:
        return calls.decorator(node);
      case is.FunctionDeclaration:
      case is.MethodDeclaration:
      case is.Constructor:
        return node.body && this.#overloaded(node);
      case is.ReturnStatement:
      case is.YieldExpression:
        return node.expression && this.#returned(node.expression, ts.findAncestor(node, ts.isFunctionLike));
      case is.ArrowFunction:
        return ts.isBlock(node.body) || this.#returned(node.body, node);
      case is.ThrowStatement:
        return known.carries(this.#type(node.expression)) && this.lost(node.expression, "throw");
      case is.PropertyAccessExpression:
        return node.name.text !== "length" && this.#opened(node.expression);
      case is.ElementAccessExpression:
        return this.#opened(node.expression);
      case is.ForOfStatement:
        return this.#iterated(node);
      case is.SpreadElement:
        return ts.isArrayLiteralExpression(node.parent) && this.#opened(node.expression);
      case is.ArrayBindingPattern:
      case is.ObjectBindingPattern:
        return this.#opened(node);
      case is.SpreadAssignment:
        return this.#copied(node.expression);
      case is.ForInStatement:
        return known.isEnv(this.#type(node.expression)) && this.lost(node.expression, "for-in");
      case is.Identifier:
        return node.text === "arguments" && this.#arguments(node);
      case is.TypeReference:
        return calls.written(node.typeName, node.typeArguments);
      case is.ImportType:
        return calls.written(node.qualifier, node.typeArguments);
      case is.ClassDeclaration:
      case is.ClassExpression:
        return this.#inherited(node);
    }
  }

  #type(node) {
    return this.checker.getTypeAtLocation(node);
  }

  #into(expression, target) {
    this.flow.flow(this.#type(expression), target, expression);
  }

  #binary(node) {
    const { left, operatorToken, right } = node;
    const is = this.ts.SyntaxKind;
    switch (operatorToken.kind) {
      case is.BarBarToken:
      case is.QuestionQuestionToken:
        return [left, right].forEach((operand) => this.#into(operand, this.#type(node)));
      case is.AmpersandAmpersandToken:
      case is.CommaToken:
        return this.#into(right, this.#type(node));
      case is.InstanceOfKeyword:
        return this.#narrowed(left, right);
      case is.EqualsToken:
      case is.BarBarEqualsToken:
      case is.AmpersandAmpersandEqualsToken:
      case is.QuestionQuestionEqualsToken:
        return isInferred(this.ts, this.checker, left) || this.#into(right, this.#place(left));
    }
  }

  /** In JavaScript, `this.env = env` has the type of what is assigned; the member has the type that is told of it. */
  #place(left) {
    const { ts, checker } = this;
    const member = ts.isPropertyAccessExpression(left) ? checker.getSymbolAtLocation(left.name) : undefined;
    const isMadeHere = member?.valueDeclaration !== undefined && ts.isInJSFile(member.valueDeclaration);
    return isMadeHere ? checker.getTypeOfSymbol(member) : this.#type(left);
  }

  /** `env instanceof Full`: what is asked about has the type of the class from there on, unless that tells it apart. */
  #narrowed(left, right) {
    const { ts, checker, flow } = this;
    const type = this.#type(left);
    const parts = type.isUnion() ? type.types : [type];
    for (const made of checker.getSignaturesOfType(this.#type(right), ts.SignatureKind.Construct)) {
      const target = made.getReturnType();
      if (!parts.some((part) => checker.isTypeAssignableTo(part, target))) flow.flow(type, target, left);
    }
  }

  #list(node) {
    const item = this.checker.getIndexTypeOfType(this.#type(node), this.ts.IndexKind.Number);
    if (item === undefined) return;
    node.elements.forEach((element) => this.ts.isSpreadElement(element) || this.#into(element, item));
  }

  #returned(expression, owner) {
    const { ts, checker, flow } = this;
    const signature = owner && checker.getSignatureFromDeclaration(owner);
    if (!signature) return;
    const result = signature.getReturnType();
    const isAsync = (ts.getCombinedModifierFlags(owner) & ts.ModifierFlags.Async) !== 0;
    const target = isAsync || owner.asteriskToken ? (checker.getTypeArguments(result)[0] ?? result) : result;
    if (target.flags & ts.TypeFlags.Void) return; // whoever calls it throws the result away
    const type = this.#type(expression);
    flow.flow((isAsync && checker.getAwaitedType(type)) || type, target, expression);
  }

  /** Callers see the overloads only, so what they promise is what comes into the body. */
  #overloaded(node) {
    const overloads = (node.symbol?.declarations ?? []).filter((one) => one.kind === node.kind && !one.body);
    const [own, ...promised] = [node, ...overloads].map((one) => this.checker.getSignatureFromDeclaration(one));
    promised.forEach((one) => this.flow.entered(own, one, node));
  }

  #inherited(node) {
    const { checker, known, flow } = this;
    for (const base of (node.heritageClauses ?? []).flatMap((clause) => [...clause.types])) {
      const symbol = checker.getSymbolAtLocation(base.expression);
      const owner = packageOf(symbol && checker.getTypeOfSymbol(symbol).symbol);
      const given = (base.typeArguments ?? []).map((argument) => checker.getTypeFromTypeNode(argument));
      if (owner !== undefined && given.some((type) => known.carries(type))) this.lost(base, owner);
      else this.calls.written(base.expression, base.typeArguments);
      this.#redeclared(node, base);
      if (checker.getPropertiesOfType(this.#type(base)).length > 0) {
        flow.flow(this.#type(node), this.#type(base), node.name ?? node);
      }
    }
  }

  /** The runtime sets the env of its classes, whatever type a class of one's own says that it has. */
  #redeclared(node, base) {
    const { checker, flow } = this;
    const [theirs, own] = [base, node].map((one) => checker.getPropertyOfType(this.#type(one), "env"));
    if (own === undefined || !isRuntimes(theirs)) return;
    flow.flow(checker.getTypeOfSymbol(theirs), checker.getTypeOfSymbol(own), node.name ?? node);
  }

  #opened(node) {
    if (this.known.isAnyStanding()) this.flow.opened(this.#type(node), node);
  }

  #iterated({ expression, initializer }) {
    this.#opened(expression);
    if (this.ts.isVariableDeclarationList(initializer)) return; // its patterns are looked at by themselves
    const item = this.checker.getIndexTypeOfType(this.#type(expression), this.ts.IndexKind.Number);
    if (item !== undefined) this.flow.opened(item, expression);
  }

  #copied(expression) {
    const type = this.#type(expression);
    const names = this.known.readOnly(type);
    if (this.known.isEnv(type)) this.lost(expression, "spread");
    else if (names.length > 0) this.lost(expression, "spread", names, []);
  }

  #arguments(node) {
    const { ts, checker, known } = this;
    const owner = ts.findAncestor(node, (above) => ts.isFunctionLike(above) && !ts.isArrowFunction(above));
    const isName = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (owner === undefined || isName) return;
    const isGiven = owner.parameters.some((parameter) => known.carries(checker.getTypeAtLocation(parameter)));
    if (isGiven) this.lost(node, "arguments");
  }
}

function filled(span) {
  return span.expression;
}
