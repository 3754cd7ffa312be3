// Keeps the audit log of what the queue `events` tells, and closes bookings that nobody confirmed.

import { databaseProbe, health } from "../shared/health.ts";
import { serve } from "../shared/http.ts";
import { logger } from "../shared/log.ts";
import { closeForgotten, keep, readEvent } from "./audit.ts";
import type { Env } from "./env.d.ts";

export default {
  fetch: serve<Env>({
    "/health": {
      GET: ({ env, log }) => health(env, log, { database: databaseProbe(env.DB, ["bookings", "audit_logs"]) }),
    },
  }),

  /** Each message is acknowledged or retried alone, so one bad message never brings a good one back. */
  async queue(batch, env) {
    const log = logger(env, { category: "audit", queue: batch.queue });
    for (const message of batch.messages) {
      try {
        await keep(env.DB, readEvent(message.body), new Date());
        message.ack();
      } catch (error) {
        log.error("message not kept", { messageId: message.id, attempts: message.attempts, error });
        // After the last attempt the queue moves it to the dead-letter queue, where a person looks at it.
        message.retry({ delaySeconds: Math.min(30 * 2 ** (message.attempts - 1), 600) });
      }
    }
  },

  async scheduled(controller, env) {
    const closed = await closeForgotten(env.DB, new Date(controller.scheduledTime));
    logger(env, { category: "booking" }).info("closed forgotten bookings", { closed });
  },
} satisfies ExportedHandler<Env>;
