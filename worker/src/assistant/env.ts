import type { Stage } from "../shared/stage.ts";
import type { Conversation } from "./conversation.ts";

/** Everything the Worker `assistant` may touch; infra/product.py grants exactly this. */
export interface Env extends Stage {
  CONVERSATION: DurableObjectNamespace<Conversation>;
  ANSWERS: KVNamespace;
  TRANSCRIPTS: R2Bucket;
  AI: Ai;
  VERSION: WorkerVersionMetadata;
}
