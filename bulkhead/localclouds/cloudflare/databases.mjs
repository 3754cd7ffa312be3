// D1 as Miniflare has it, with the limit that it lacks.

import { changeServices } from "./plugins.mjs";

const LARGEST = 10_000_000_000; // bytes of a database; source: D1, "Limits", of a paid plan
const CLASS = "D1DatabaseObject"; // Miniflare's object that is a database
const ORIGINAL = "miniflare-d1.mjs";

/** Lets no transaction end, whoever asked for it, in which a database has grown beyond its limit. */
export function limitDatabases(library) {
  changeServices(library, "d1", limited);
}

function limited(service) {
  if (!service.worker?.durableObjectNamespaces?.some(({ className }) => className === CLASS)) return service;
  const [main, ...others] = service.worker.modules;
  const modules = [{ name: "limited.mjs", esModule: SOURCE }, { ...main, name: ORIGINAL }, ...others];
  return { ...service, worker: { ...service.worker, modules } };
}

const SOURCE = `
import { ${CLASS} as Original } from "./${ORIGINAL}";
export * from "./${ORIGINAL}";
export class ${CLASS} extends Original {
  constructor(state, env) {
    super(state, env);
    const { storage } = state;
    const within = storage.transactionSync.bind(storage);
    storage.transactionSync = (work) =>
      within(() => {
        const before = storage.sql.databaseSize;
        const done = work();
        const after = storage.sql.databaseSize;
        if (after > ${LARGEST} && after > before) throw new Error("Exceeded maximum DB size.");
        return done;
      });
  }
}
`;
