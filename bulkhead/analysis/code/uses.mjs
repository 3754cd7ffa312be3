// Where a Worker's code uses a binding, whatever the env is called there.

/** `used(binding, node)`, `beyond(bindings, member, node)` and `lost(node, into)` are told what is found. */
export class Uses {
  constructor(ts, checker, known, found) {
    Object.assign(this, { ts, checker, known, ...found });
  }

  visit(node) {
    const { ts } = this;
    if (ts.isPropertyAccessExpression(node)) {
      this.#member(this.#type(node.expression), node.name.text, node.name, node.expression);
    } else if (ts.isElementAccessExpression(node)) this.#element(node);
    else if (ts.isObjectBindingPattern(node)) this.#pattern(this.#type(node), node.elements);
    else if (ts.isObjectLiteralExpression(node) && ts.isArrayLiteralOrObjectLiteralDestructuringPattern(node)) {
      this.#assigned(this.checker.getTypeOfAssignmentPattern(node), node);
    } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword) this.#asked(node);
    ts.forEachChild(node, (child) => this.visit(child));
  }

  #type(node) {
    return this.checker.getTypeAtLocation(node);
  }

  #member(type, name, node, from) {
    const { checker, known } = this;
    const whole = checker.getNonNullableType(type);
    const property = checker.getPropertyOfType(checker.getApparentType(whole), name);
    if (known.isEnv(whole)) {
      const binding = property === undefined ? name : known.bindingOf(property);
      if (binding !== undefined) this.used(binding, node);
    } else if (property === undefined && known.readOnly(whole).length > 0) {
      this.beyond(this.#origin(from) ?? known.readOnly(whole), name, node);
    }
  }

  /** The one binding that an expression is, when it says so itself: `env.SESSIONS`. */
  #origin(from) {
    if (from === undefined || !this.ts.isPropertyAccessExpression(from)) return undefined;
    const symbol = this.checker.getSymbolAtLocation(from.name);
    const binding = symbol && this.known.bindingOf(symbol);
    return binding && [binding];
  }

  #element({ expression, argumentExpression }) {
    const type = this.#type(expression);
    if (!this.known.isEnv(type) && this.known.readOnly(type).length === 0) return;
    this.#keys(argumentExpression).forEach((key) => this.#member(type, key, argumentExpression, expression));
  }

  #pattern(type, elements) {
    for (const element of elements) {
      if (element.dotDotDotToken !== undefined) continue; // the rest is an env as well, by its type
      this.#named(type, element.propertyName ?? element.name);
    }
  }

  #assigned(type, { properties }) {
    for (const property of properties) {
      if (!this.ts.isSpreadAssignment(property)) this.#named(type, property.name);
    }
  }

  /** `"DB" in env` reaches for it as well: where there is one, the code goes on with it. */
  #asked({ left, right }) {
    const { ts, checker, known } = this;
    const type = this.#type(right);
    if (ts.isPrivateIdentifier(left) || (!known.isEnv(type) && known.readOnly(type).length === 0)) return;
    const others = type.isUnion() ? type.types.filter((part) => !known.isEnv(part)) : [];
    for (const key of this.#keys(left)) {
      // A member of what else it may be only tells the two apart.
      const isOthers = others.some((part) => checker.getPropertyOfType(part, key) !== undefined);
      if (!isOthers) this.#member(type, key, left, right);
    }
  }

  #named(type, name) {
    if (!this.ts.isComputedPropertyName(name)) return this.#member(type, name.text, name);
    if (this.known.isEnv(type)) this.#keys(name.expression).forEach((key) => this.#member(type, key, name));
  }

  /** Every text that an expression can be, by its type; a key that can be anything is a loss. */
  #keys(expression) {
    const { checker } = this;
    const type = this.#type(expression);
    const constraint = checker.getBaseConstraintOfType(type) ?? type;
    const parts = constraint.isUnion() ? constraint.types : [constraint];
    if (parts.every((part) => part.isStringLiteral())) return parts.map((part) => part.value);
    this.lost(expression, "computed key");
    return [];
  }
}
