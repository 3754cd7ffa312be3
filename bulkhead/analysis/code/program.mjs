// One TypeScript program per Worker: its entry, the env types that the product grants it, and what the entry imports.

import { dirname } from "node:path";

/** What the runtime promises; a looser project would turn an env into `any` without a word. */
const STRICT = {
  strict: true,
  // A project that turns one of them off is not asked either.
  alwaysStrict: true,
  noImplicitAny: true,
  noImplicitThis: true,
  strictBindCallApply: true,
  strictBuiltinIteratorReturn: true,
  strictFunctionTypes: true,
  strictNullChecks: true,
  strictPropertyInitialization: true,
  useUnknownInCatchVariables: true,
  noCheck: false,
  noEmit: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: true,
  noUncheckedSideEffectImports: true,
  incremental: false,
  composite: false,
  isolatedDeclarations: false,
};

/** What TypeScript says of a configuration that lists no files; the entry is one, whatever is listed. */
const NO_INPUTS = [18002, 18003];

/** Used where no tsconfig.json is above the entry. */
const DEFAULTS = (ts) => ({
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  verbatimModuleSyntax: true,
  allowImportingTsExtensions: true,
  types: [],
});

/**
 * Returns `load(worker)`, which returns the program of a Worker. Files on disk are read once for all Workers.
 * `generated` are texts by path that count instead of what is on disk; `runtimeTypes` is the .d.ts of the runtime, for
 * projects that name none.
 */
export function loader(ts, generated, runtimeTypes) {
  const parsed = new Map();

  return function load({ entry, declarations }) {
    const { options, ambient, errors } = configuration(ts, entry, runtimeTypes, generated);
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
    const rootNames = [entry, ...declarations, ...ambient];
    return ts.createProgram({ rootNames, options, host, configFileParsingDiagnostics: errors });
  };
}

function configuration(ts, entry, runtimeTypes, generated) {
  const folder = dirname(entry);
  const path = ts.findConfigFile(folder, ts.sys.fileExists);
  if (path === undefined) return { options: { ...DEFAULTS(ts), ...STRICT }, ambient: [runtimeTypes], errors: [] };
  const json = ts.readJsonConfigFile(path, ts.sys.readFile);
  const { options, fileNames, errors } = ts.parseJsonSourceFileConfigFileContent(json, ts.sys, dirname(path), {}, path);
  // Another Worker's generated files would add its bindings to this one's `cloudflare:workers`.
  const isAnothers = (name) => name in generated && !name.startsWith(`${folder}/`);
  return {
    options: { ...options, ...STRICT },
    ambient: fileNames.filter((name) => /\.d\.[cm]?ts$/.test(name) && !isAnothers(name)),
    errors: [...json.parseDiagnostics, ...errors.filter(({ code }) => !NO_INPUTS.includes(code))],
  };
}

/** Returns the modules that are part of the Worker at run time: the entry and all that it imports, types left out. */
export function runtimeFiles(ts, program, entry) {
  const reached = new Set();
  const waiting = [program.getSourceFile(entry)];
  while (waiting.length > 0) {
    const file = waiting.pop();
    if (file === undefined || reached.has(file) || file.isDeclarationFile) continue;
    reached.add(file);
    for (const specifier of file.imports) {
      if (isOnlyTypes(ts, specifier.parent)) continue;
      // Not by its symbol: a script that is imported for its effects has none.
      const { resolvedModule } = program.getResolvedModuleFromModuleSpecifier(specifier) ?? {};
      if (resolvedModule !== undefined) waiting.push(program.getSourceFile(resolvedModule.resolvedFileName));
    }
  }
  return [...reached];
}

function isOnlyTypes(ts, node) {
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly ?? false;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return ts.isLiteralTypeNode(node); // import("./x.ts").X
}
