import { Refusal } from "../shared/http.ts";
import type { Stage } from "../shared/stage.ts";

const RETRY_SECONDS = 600;

/** Refuses every call while the stage is under maintenance (REL-8), and says when to come back. */
export function refuseDuringMaintenance(stage: Stage, now = Date.now()): void {
  if (stage.MAINTENANCE_MODE !== "true") return;
  const end = Date.parse(stage.MAINTENANCE_END_TIME);
  const seconds = end > now ? Math.ceil((end - now) / 1000) : RETRY_SECONDS;
  throw new Refusal(503, "MAINTENANCE", "We are doing maintenance and will be back soon.", {
    estimatedEnd: stage.MAINTENANCE_END_TIME || null,
    headers: { "Retry-After": String(seconds) },
  });
}
