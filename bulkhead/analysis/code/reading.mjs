// Bindings that are granted for reading: which code wants more of them than reading, or gives away the type that says so.

import { destination } from "./destinations.mjs";

export class Reading {
  /** Types that a binding was granted for reading as, with the bindings' names. */
  #types = new Map();

  /**
   * `granted` are the methods that may be called, by binding. `beyond(bindings, members, node)` is told where code wants
   * these members; without any, it gives away what limits it.
   */
  constructor(ts, checker, envs, granted, beyond) {
    Object.assign(this, { ts, checker, envs, granted, beyond });
  }

  visit(node) {
    const { ts } = this;
    if (Object.keys(this.granted).length === 0) return;
    if (ts.isPropertyAccessExpression(node)) this.#accessed(node, node.name.text, node.name);
    else if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
      this.#accessed(node, node.argumentExpression.text, node.argumentExpression);
    } else if (ts.isObjectBindingPattern(node)) this.#destructured(node);
    if (ts.isSpreadAssignment(node)) {
      const names = this.#namesOf(node.expression);
      if (names.length > 0) this.beyond(names, [], node.expression);
    }
    if (ts.isExpression(node) && !ts.isObjectLiteralExpression(node)) this.#goes(node);
  }

  /** The bindings that an expression may be, of those that are granted for reading. */
  #namesOf(node) {
    const { ts, checker, envs } = this;
    if (ts.isPropertyAccessExpression(node)) {
      const binding = envs.bindingOf(checker.getSymbolAtLocation(node.name));
      if (binding !== undefined) return this.granted[binding] ? this.#learn(binding, checker.getTypeAtLocation(node)) : [];
    }
    return this.#types.get(checker.getNonNullableType(checker.getTypeAtLocation(node))) ?? [];
  }

  /** A type is only remembered where it says no more than what is granted: a whole KVNamespace may be another's. */
  #learn(binding, type) {
    const whole = this.checker.getNonNullableType(type);
    const names = this.#types.get(whole) ?? [];
    if (this.#more(binding, whole).length === 0 && !this.envs.isBlind(whole) && !names.includes(binding)) {
      this.#types.set(whole, [...names, binding]);
    }
    return [binding];
  }

  #more(binding, type) {
    const members = this.checker.getPropertiesOfType(type).map(({ name }) => name);
    return members.filter((name) => !this.granted[binding].includes(name) && !name.startsWith("__@"));
  }

  #accessed(node, name, at) {
    const names = this.#namesOf(node.expression).filter((binding) => !this.granted[binding].includes(name));
    if (names.length > 0) this.beyond(names, [name], at);
  }

  #destructured(pattern) {
    const names = this.#types.get(this.checker.getTypeAtLocation(pattern)) ?? [];
    for (const element of pattern.elements) {
      const name = (element.propertyName ?? element.name).text;
      const wanting = names.filter((binding) => !this.granted[binding].includes(name));
      if (wanting.length > 0) this.beyond(wanting, [name], element);
    }
  }

  /** It is given to a place of another type, which has to offer no more. */
  #goes(node) {
    const { ts, checker, envs } = this;
    const names = this.#namesOf(node);
    if (names.length === 0) return;
    const to = destination(ts, checker, node);
    if (to?.lost) return this.beyond(names, [], node);
    const type = to?.type && checker.getNonNullableType(to.type);
    if (type === undefined) return;
    if (envs.isBlind(type)) return this.beyond(names, [], node);
    const more = names.flatMap((binding) => this.#more(binding, type));
    if (more.length > 0) this.beyond(names, more, node);
  }
}
