// One TypeScript program per Worker: its entry, what that imports, and the types that its project declares.

import { dirname } from "node:path";
import { builtinModules } from "node:module";

/**
 * What is read as exactly as the compiler can, whatever the project says: nothing is reported of it. Whether the code
 * compiles is the project's own question, and here what the compiler does not know is `any`, which is followed.
 */
const READING = {
  strict: true,
  noCheck: false,
  noEmit: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
  resolveJsonModule: true,
  maxNodeModuleJsDepth: 0,
  incremental: false,
  composite: false,
  isolatedDeclarations: false,
};

/** For what no tsconfig.json says. */
const DEFAULTS = (ts) => ({
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
});

/** What a bundler takes in as text or bytes. */
const NO_CODE = /\.(?!([cm]?[jt]sx?)$)[a-z0-9]+(\?.*)?$/i;
const PROVIDED = /^(cloudflare|node|virtual):/;

/**
 * Returns `load(worker)`, which returns the program of a Worker. Files on disk are read once for all Workers.
 * `generated` are texts by path that count instead of what is on disk; `runtimeTypes` is the .d.ts of the runtime, for
 * projects that have none.
 */
export function loader(ts, generated, runtimeTypes) {
  const parsed = new Map();

  return function load({ entry, declarations }) {
    const { options, ambient, errors, sources } = configuration(ts, entry, generated);
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile } = host;
    host.fileExists = (path) => path in generated || fileExists(path);
    host.readFile = (path) => generated[path] ?? readFile(path);
    host.getSourceFile = (path, how, ...rest) => {
      const key = JSON.stringify([path, how]);
      if (!parsed.has(key)) {
        const text = generated[path];
        const file = text === undefined ? getSourceFile(path, how, ...rest) : ts.createSourceFile(path, text, how);
        parsed.set(key, file);
      }
      return parsed.get(key);
    };
    const rootNames = [entry, ...declarations.filter(host.fileExists), ...ambient];
    const made = (more) =>
      ts.createProgram({ rootNames: [...rootNames, ...more], options, host, configFileParsingDiagnostics: errors });
    const program = made([]);
    const isKnown = program.getTypeChecker().resolveName("ExecutionContext", undefined, ts.SymbolFlags.Type, false);
    const isMade = program.getSourceFiles().some((file) => !file.isDeclarationFile && file.imports?.some(isVirtual));
    const more = [...(isKnown ? [] : [runtimeTypes]), ...(isMade ? sources : [])];
    return Object.assign(more.length > 0 ? made(more) : program, { sources: isMade ? sources : [] });
  };
}

function configuration(ts, entry, generated) {
  const folder = dirname(entry);
  const path = ts.findConfigFile(folder, ts.sys.fileExists);
  const { options, fileNames, errors } = path === undefined ? NOTHING : project(ts, path, entry);
  // Another Worker's generated files would add its bindings to this one's `cloudflare:workers`.
  const isAnothers = (name) => name in generated && !name.startsWith(`${folder}/`);
  return {
    options: { ...DEFAULTS(ts), ...(path === undefined ? { types: [] } : options), ...READING },
    ambient: fileNames.filter((name) => /\.d\.[cm]?ts$/.test(name) && !isAnothers(name)),
    errors,
    sources: fileNames.filter((name) => !/\.d\.[cm]?ts$|[./](test|spec|config)\.[cm]?[jt]sx?$/.test(name)),
  };
}

/** A bundler makes such a module of the project's files, so all of them are the Worker's. */
function isVirtual({ text }) {
  return text.startsWith("virtual:");
}

const NOTHING = { options: {}, fileNames: [], errors: [] };

/** The project that has the entry among its files, of those that one `tsconfig.json` refers to; else that one. */
function project(ts, path, entry, seen = new Set()) {
  seen.add(path);
  const json = ts.readJsonConfigFile(path, ts.sys.readFile);
  const said = ts.parseJsonSourceFileConfigFileContent(json, ts.sys, dirname(path), {}, path);
  const own = { options: said.options, fileNames: said.fileNames, errors: json.parseDiagnostics };
  if (said.fileNames.includes(entry)) return own;
  for (const reference of said.projectReferences ?? []) {
    const other = ts.resolveProjectReferencePath(reference);
    if (seen.has(other) || !ts.sys.fileExists(other)) continue;
    const found = project(ts, other, entry, seen);
    if (found.fileNames.includes(entry)) return found;
  }
  return own;
}

/**
 * Returns the modules that are part of the Worker at run time, the entry and all that it imports, types left out; and
 * `unseen`, the imports of code that is not there.
 */
export function runtimeFiles(ts, program, entry) {
  const checker = program.getTypeChecker();
  const [reached, unseen] = [new Set(), []];
  const waiting = [entry, ...program.sources].map((path) => program.getSourceFile(path));
  while (waiting.length > 0) {
    const file = waiting.pop();
    if (file === undefined || reached.has(file) || file.isDeclarationFile) continue;
    if (file !== program.getSourceFile(entry) && file.fileName.includes("/node_modules/")) continue;
    reached.add(file);
    for (const specifier of file.imports) {
      if (isOnlyTypes(ts, specifier.parent)) continue;
      // Not by its symbol: a script that is imported for its effects has none.
      const { resolvedModule } = program.getResolvedModuleFromModuleSpecifier(specifier) ?? {};
      if (resolvedModule !== undefined) waiting.push(program.getSourceFile(resolvedModule.resolvedFileName));
      else if (isMissed(ts, checker, specifier)) unseen.push(specifier);
    }
  }
  return { files: [...reached], unseen };
}

/** Whether a module that is not there matters: one's own, or a package whose class is extended. */
function isMissed(ts, checker, specifier) {
  const name = specifier.text;
  if (PROVIDED.test(name) || builtinModules.includes(name) || NO_CODE.test(name)) return false;
  if (checker.getSymbolAtLocation(specifier)) return false; // it is declared, without any code
  return /^[./~#]|^@\//.test(name) || isExtended(ts, specifier);
}

function isExtended(ts, specifier) {
  const clause = specifier.parent.importClause;
  const names = [clause?.name, clause?.namedBindings?.name, ...(clause?.namedBindings?.elements ?? []).map(({ name }) => name)];
  const isOf = (node) => names.some((name) => name !== undefined && node.getText().split(".")[0] === name.text);
  const extendsIt = (node) =>
    (ts.isHeritageClause(node) && node.types.some(({ expression }) => isOf(expression))) ||
    ts.forEachChild(node, extendsIt) === true;
  return extendsIt(specifier.getSourceFile());
}

function isOnlyTypes(ts, node) {
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly || hasOnlyTypes(node.importClause);
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return ts.isLiteralTypeNode(node); // import("./x.ts").X
}

function hasOnlyTypes(clause) {
  const named = clause?.namedBindings?.elements;
  return clause !== undefined && clause.name === undefined && named?.length > 0 && named.every((one) => one.isTypeOnly);
}
