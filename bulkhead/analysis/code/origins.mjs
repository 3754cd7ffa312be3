// Whose code a declaration is: the platform's, the language's, a package's, or one's own.

const PLATFORM = /\/node_modules\/@cloudflare\/workers-types\//;
// `wrangler types` writes the runtime's types into a file of the project's own, below this line.
const GENERATED = /^\/\/ Runtime types generated with workerd@/m;
const RUNTIME = /\/node_modules\/(@cloudflare\/workers-types|typescript\/lib|@types\/node)\//;

/** Whether a symbol is Cloudflare's. */
export function isPlatforms(symbol) {
  return symbol?.declarations?.some((declaration) => isIn(declaration, PLATFORM)) ?? false;
}

/** Whether a symbol is the runtime's or the language's. */
export function isRuntimes(symbol) {
  return symbol?.declarations?.some((declaration) => isIn(declaration, RUNTIME)) ?? false;
}

/** Whether a symbol is the runtime's or the language's, and nobody has added to it. */
export function isOnlyRuntimes(symbol) {
  return symbol?.declarations?.every((declaration) => isIn(declaration, RUNTIME)) ?? false;
}

/** The name of the package that a symbol comes from; undefined for one's own code, the runtime and the language. */
export function packageOf(symbol) {
  const file = symbol?.declarations?.[0]?.getSourceFile().fileName;
  if (file === undefined || RUNTIME.test(file)) return undefined;
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1].replace(/^@types\//, "");
}

/**
 * The module, or else the file, in which one only declares a function; undefined when its code is one's own. An
 * interface or an alias says what a function is like, and one's own code may be behind it.
 */
export function declaredIn(ts, declaration) {
  if (declaration === undefined || !(declaration.flags & ts.NodeFlags.Ambient)) return undefined;
  if (isRuntimes(declaration.symbol) || GENERATED.test(declaration.getSourceFile().text)) return undefined;
  const isShape = (above) =>
    ts.isInterfaceDeclaration(above) ||
    ts.isTypeAliasDeclaration(above) ||
    (ts.isClassLike(above) && !(above.flags & ts.NodeFlags.Ambient)); // `declare` before a field of a class with code
  if (ts.findAncestor(declaration, isShape) !== undefined) return undefined;
  const isNamed = (above) => ts.isModuleDeclaration(above) && ts.isStringLiteral(above.name);
  return ts.findAncestor(declaration, isNamed)?.name.text ?? declaration.getSourceFile().fileName.split("/").at(-1);
}

function isIn(declaration, place) {
  return place.test(declaration.getSourceFile().fileName);
}
