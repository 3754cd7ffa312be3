// Every place in a Worker's code where a value of one type comes to a place of another; a Flow judges each.

const LOOKS_AT_ALL = new Set(["ObjectConstructor", "ProxyConstructor", "Reflect"]);
const KEEPS_ENV = new Set(["withEnv", "withEnvAndExports"]);

/** `lost(node, into)` is told of what needs no second type: a spread, a throw, a function that looks at everything. */
export class Sites {
  constructor(ts, checker, flow, lost) {
    Object.assign(this, { ts, checker, flow, lost });
  }

  visit(node) {
    this.#here(node);
    this.ts.forEachChild(node, (child) => this.visit(child));
  }

  #here(node) {
    const { ts, flow } = this;
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
      case is.SatisfiesExpression:
        return this.#into(node.expression, this.checker.getTypeFromTypeNode(node.type));
      case is.CallExpression:
      case is.NewExpression:
        return this.#call(node, node.expression, node.arguments ?? []);
      case is.TaggedTemplateExpression:
        return this.#call(node, node.tag, [node.template, ...(node.template.templateSpans ?? []).map(filled)]);
      case is.ReturnStatement:
      case is.YieldExpression:
        return node.expression && this.#returned(node.expression, ts.findAncestor(node, ts.isFunctionLike));
      case is.ArrowFunction:
        return ts.isBlock(node.body) || this.#returned(node.body, node);
      case is.ThrowStatement:
        return flow.carries(this.#type(node.expression)) && this.lost(node.expression, "throw");
      case is.SpreadAssignment:
        return flow.isEnv(this.#type(node.expression)) && this.lost(node.expression, "spread");
      case is.ForInStatement:
        return flow.isEnv(this.#type(node.expression)) && this.lost(node.expression, "for-in");
      case is.Identifier:
        return node.text === "arguments" && this.#arguments(node);
      case is.TypeReference:
        return this.#written(node.typeName, node.typeArguments);
      case is.ImportType:
        return this.#written(node.qualifier, node.typeArguments);
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
      case is.EqualsToken:
      case is.BarBarEqualsToken:
      case is.AmpersandAmpersandEqualsToken:
      case is.QuestionQuestionEqualsToken:
        return this.#isInferred(left) || this.#into(right, this.#type(left));
    }
  }

  /** `let e;` has the type of what is assigned to it: TypeScript follows that, or complains. */
  #isInferred(left) {
    const declaration = this.checker.getSymbolAtLocation(left)?.valueDeclaration;
    if (declaration === undefined || !this.ts.isVariableDeclaration(declaration)) return false;
    return !declaration.type && !declaration.initializer && this.ts.isVariableStatement(declaration.parent.parent);
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

  #call(node, callee, given) {
    const { ts, checker, flow } = this;
    const signature = checker.getResolvedSignature(node);
    const made = signature?.declaration;
    const owner = flow.packageOf(made?.symbol);
    const into = owner ?? callee.getText();
    this.#instantiated(signature, node, into);
    const isRuntimes = flow.isRuntimes(made?.symbol);
    if (signature?.thisParameter && ts.isPropertyAccessExpression(callee)) {
      flow.flow(this.#type(callee.expression), flow.receiver(signature), callee, into);
    }
    given.forEach((argument, index) => {
      const isSpread = ts.isSpreadElement(argument);
      const whole = this.#type(isSpread ? argument.expression : argument);
      const type = isSpread ? checker.getIndexTypeOfType(whole, ts.IndexKind.Number) : whole;
      if (type === undefined) return;
      const target = made && flow.parameter(signature, index);
      if (flow.carries(type)) {
        if (isRuntimes && KEEPS_ENV.has(made.name?.text) && flow.isEnv(type)) return;
        const looksAtAll = isRuntimes && LOOKS_AT_ALL.has(nameAround(ts, made));
        const isPackages = owner !== undefined && flow.isEnv(type);
        if (target === undefined || looksAtAll || isPackages) return this.lost(argument, into);
      }
      flow.flow(type, target, argument, into);
    });
  }

  /** The type arguments of a call, written or inferred: for these, the generic code is given what is given here. */
  #instantiated(signature, node, into) {
    const { checker, flow } = this;
    const types = signature && checker.getTypeArgumentsForResolvedSignature(signature);
    const { typeParameters } = signature?.target ?? signature ?? {};
    types?.forEach((type, index) => this.#bound(typeParameters[index], type, node, into));
  }

  /** The type arguments of a type: where it is one of ours, the generic code is given what is written here. */
  #written(name, typeArguments) {
    if (name === undefined || typeArguments === undefined) return;
    const symbol = this.checker.getSymbolAtLocation(name);
    const isAlias = ((symbol?.flags ?? 0) & this.ts.SymbolFlags.Alias) !== 0;
    const target = isAlias ? this.checker.getAliasedSymbol(symbol) : symbol;
    // A package's type only says what the package hands out; it is given nothing by it.
    if (target === undefined || this.flow.packageOf(target) !== undefined) return;
    const parameters = target.declarations?.find((declaration) => declaration.typeParameters)?.typeParameters ?? [];
    typeArguments.forEach((argument, index) => {
      const parameter = parameters[index] && this.#type(parameters[index]);
      if (parameter) this.#bound(parameter, this.checker.getTypeFromTypeNode(argument), argument);
    });
  }

  #bound(parameter, type, node, into) {
    if (this.flow.isRuntimes(parameter.symbol)) return; // the language and the runtime hand on what they were given
    if (this.flow.packageOf(parameter.symbol) === undefined) this.flow.bind(parameter, type, node, into);
    else if (this.flow.carries(type)) this.lost(node, this.flow.packageOf(parameter.symbol));
  }

  #inherited(node) {
    const { checker, flow } = this;
    for (const base of (node.heritageClauses ?? []).flatMap((clause) => [...clause.types])) {
      const symbol = checker.getSymbolAtLocation(base.expression);
      const owner = flow.packageOf(symbol && checker.getTypeOfSymbol(symbol).symbol);
      const given = (base.typeArguments ?? []).map((argument) => checker.getTypeFromTypeNode(argument));
      if (owner !== undefined && given.some((type) => flow.carries(type))) this.lost(base, owner);
      else this.#written(base.expression, base.typeArguments);
      if (checker.getPropertiesOfType(this.#type(base)).length > 0) {
        flow.flow(this.#type(node), this.#type(base), node.name ?? node);
      }
    }
  }

  #arguments(node) {
    const { ts, checker, flow } = this;
    const owner = ts.findAncestor(node, (above) => ts.isFunctionLike(above) && !ts.isArrowFunction(above));
    const isName = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (owner === undefined || isName) return;
    const isGiven = owner.parameters.some((parameter) => flow.carries(checker.getTypeAtLocation(parameter)));
    if (isGiven) this.lost(node, "arguments");
  }
}

/** The interface or namespace that a function of the language is declared in. */
function nameAround(ts, declaration) {
  const isNamed = (above) => ts.isInterfaceDeclaration(above) || ts.isModuleDeclaration(above);
  return ts.findAncestor(declaration.parent, isNamed)?.name.text;
}

function filled(span) {
  return span.expression;
}
