import type { Stage } from "../shared/stage.ts";

/** Everything the Worker `clerk` may touch; infra/product.py grants exactly this. */
export interface Env extends Stage {
  DB: D1Database;
  VERSION: WorkerVersionMetadata;
}
