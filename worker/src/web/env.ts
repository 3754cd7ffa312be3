import type { Stage } from "../shared/stage.ts";

/** Everything the Worker `web` may touch; infra/product.py grants exactly this, and no store of another Worker. */
export interface Env extends Stage {
  SESSIONS: KVNamespace;
  BOOKING: Fetcher;
  ASSISTANT: Fetcher;
  SESSION_KEY: string;
  VERSION: WorkerVersionMetadata;
}
