// Whose code a declaration is: the runtime's or the language's, a package's, or one's own.

const RUNTIME = /\/node_modules\/(@cloudflare\/workers-types|typescript\/lib|@types\/node)\//;
// `wrangler types` writes the runtime's types into a file of the project's own, which may begin with the Worker's env.
const GENERATED = /^\/\/ Runtime types generated with workerd@/m;
const BEGINNING = /^\/\/ Begin runtime types/m;
const NODE = /\/node_modules\/@types\/node\//;

/** Whether a node is declared by the runtime or the language. */
export function isRuntimes(node) {
  const file = node?.getSourceFile();
  return file !== undefined && (RUNTIME.test(file.fileName) || isGenerated(node, file));
}

/** Whether a node is declared by Node's own types: what is called env there is the process's. */
export function isNodes(node) {
  return NODE.test(node.getSourceFile().fileName);
}

/** The package that declares a node; undefined for one's own code, the runtime and the language. */
export function packageOf(node) {
  if (node === undefined || isRuntimes(node)) return undefined;
  const found = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(node.getSourceFile().fileName);
  return found?.[1].replace(/^@types\//, "");
}

/** Whether a node is in code that is read here, so that one can follow what it does. */
export function isOwn(node) {
  return node !== undefined && !node.getSourceFile().isDeclarationFile && packageOf(node) === undefined;
}

function isGenerated(node, file) {
  if (!file.isDeclarationFile) return false;
  file.runtimeTypesFrom ??= GENERATED.test(file.text) ? (BEGINNING.exec(file.text)?.index ?? 0) : Infinity;
  return node.pos >= file.runtimeTypesFrom;
}
