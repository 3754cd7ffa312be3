import type { BookingEvent } from "../shared/bookings.ts";
import type { Stage } from "../shared/stage.ts";
import type { BookingLedger } from "./ledger.ts";

/** Everything the Worker `booking` may touch; infra/product.py grants exactly this. */
export interface Env extends Stage {
  LEDGER: DurableObjectNamespace<BookingLedger>;
  DB: D1Database;
  EVENTS: Queue<BookingEvent>;
  VERSION: WorkerVersionMetadata;
}
