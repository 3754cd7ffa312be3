// Which jobs of a workflow GitHub would run, by GitHub's own parser and evaluator. Reads JSON from standard input: a list of
// {workflow, file, contexts: {github, inputs, vars}, results: {job: {result, outputs}}, cancelled}; a job without a result
// of its own succeeds. Writes for each either {errors} or {ran: {job: result}}.
import { Evaluator, Lexer, Parser, data } from "@actions/expressions";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";

function asData(value) {
  if (value === null || value === undefined) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(asData));
  return new data.Dictionary(...Object.entries(value).map(([key, part]) => ({ key, value: asData(part) })));
}

// A job's status functions look at all jobs that it needs, and at those that they need (GitHub Docs, "Expressions").
function statusFunctions(before, cancelled) {
  const says = (name, answer) => ({
    name, description: name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(answer),
  });
  return new Map([
    says("always", true),
    says("cancelled", cancelled),
    says("failure", before.includes("failure")),
    says("success", !cancelled && before.every((result) => result === "success")),
  ].map((each) => [each.name, each]));
}

function holds(expression, contexts, functions) {
  const { tokens } = new Lexer(expression).lex();
  const tree = new Parser(tokens, Object.keys(contexts), [...functions.values()]).parse();
  return new Evaluator(tree, asData(contexts), functions).evaluate();
}

const truthy = (found) => !["", "false", "0", "null"].includes(found.coerceString()) && found.kind !== data.Kind.Null;

const known = new Map();

function parsed(file, workflow) {
  if (!known.has(workflow)) known.set(workflow, parse(file, workflow));
  return known.get(workflow);
}

async function parse(file, workflow) {
  const found = parseWorkflow({ name: file, content: workflow }, new NoOperationTraceWriter());
  const template = found.value && (await convertWorkflowTemplate(found.context, found.value));
  return { template, errors: found.context.errors.getErrors().map(String) };
}

async function ran({ workflow, file, contexts, results = {}, cancelled = false }) {
  const { template, errors } = await parsed(file, workflow);
  if (errors.length) return { errors };
  const done = {};
  const ancestors = {};
  const jobs = [...template.jobs];
  while (jobs.length) {
    const next = jobs.findIndex((job) => (job.needs ?? []).every((need) => need.value in done));
    const [job] = jobs.splice(next, 1);
    const id = job.id.value;
    const needs = (job.needs ?? []).map((need) => need.value);
    ancestors[id] = [...new Set(needs.flatMap((need) => [need, ...ancestors[need]]))];
    const functions = statusFunctions(ancestors[id].map((each) => done[each].result), cancelled);
    const seen = { ...contexts, needs: Object.fromEntries(needs.map((need) => [need, done[need]])) };
    const runs = truthy(holds(job.if.expression, seen, functions));
    const given = { result: "success", outputs: {}, ...results[id] };
    done[id] = runs ? given : { result: "skipped", outputs: {} };
  }
  return { ran: Object.fromEntries(Object.entries(done).map(([id, { result }]) => [id, result])) };
}

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  process.stdout.write(JSON.stringify(await Promise.all(JSON.parse(text).map(ran))));
}

main();
