import { DurableObject } from "cloudflare:workers";
import { pendingUntil } from "../shared/bookings.ts";
import { exportPage, type Page, type Position } from "../shared/export.ts";
import type { Env } from "./env.d.ts";

export interface Hold {
  id: string;
  /** Who asks for what under which key: the same key again gets the same slot (see `identify`). */
  requestKey: string;
  resource: string;
  startsAt: string;
  endsAt: string;
  createdAt: string;
}

export type Held =
  | { outcome: "held"; id: string; createdAt: string; isNew: boolean }
  | { outcome: "taken" }
  | { outcome: "key-reused" };

/**
 * The calendar of one resource, and the only place where two bookings meet: each resource has one object in the whole
 * world, which handles one call after the other, and each change is one transaction. It keeps times and ids, no person.
 */
export class BookingLedger extends DurableObject<Env> {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    // The resource is the same in every row; it says whose ledger this is to whoever reads an export. A confirmed
    // booking has no lapses_at.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS slots (
      id TEXT PRIMARY KEY,
      request_key TEXT NOT NULL UNIQUE,
      resource TEXT NOT NULL,
      starts_at TEXT NOT NULL,
      ends_at TEXT NOT NULL CHECK (ends_at > starts_at),
      created_at TEXT NOT NULL,
      lapses_at TEXT
    ) STRICT`);
  }

  /** Takes the slot for a booking until it is confirmed or lapses. */
  hold(wanted: Hold): Held {
    return this.ctx.storage.transactionSync(() => {
      this.#forgetLapsed(wanted.createdAt);
      const [same] = this.#sql
        .exec<{ id: string; starts_at: string; ends_at: string; created_at: string }>(
          "SELECT id, starts_at, ends_at, created_at FROM slots WHERE request_key = ?",
          wanted.requestKey,
        )
        .toArray();
      if (same !== undefined) {
        const identical = same.starts_at === wanted.startsAt && same.ends_at === wanted.endsAt;
        if (!identical) return { outcome: "key-reused" };
        return { outcome: "held", id: same.id, createdAt: same.created_at, isNew: false };
      }
      const overlapping = this.#sql
        .exec("SELECT 1 FROM slots WHERE starts_at < ? AND ends_at > ? LIMIT 1", wanted.endsAt, wanted.startsAt)
        .toArray();
      if (overlapping.length > 0) return { outcome: "taken" };
      this.#sql.exec(
        `INSERT INTO slots (id, request_key, resource, starts_at, ends_at, created_at, lapses_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        wanted.id,
        wanted.requestKey,
        wanted.resource,
        wanted.startsAt,
        wanted.endsAt,
        wanted.createdAt,
        pendingUntil(wanted.createdAt),
      );
      return { outcome: "held", id: wanted.id, createdAt: wanted.createdAt, isNew: true };
    });
  }

  /** Keeps the slot for good; false when it lapsed before. Asking twice is the same as asking once. */
  confirm(id: string, now: string): boolean {
    return this.ctx.storage.transactionSync(() => {
      this.#forgetLapsed(now);
      return this.#sql.exec("UPDATE slots SET lapses_at = NULL WHERE id = ?", id).rowsWritten > 0;
    });
  }

  release(id: string): void {
    this.#sql.exec("DELETE FROM slots WHERE id = ?", id);
  }

  /** Hands out what the ledger holds, for a copy outside of Cloudflare. */
  export(after: Position | null, limit: number): Promise<Page> {
    return exportPage(this.ctx, after, limit);
  }

  ping(): void {
    this.#sql.exec("SELECT count(*) FROM slots").one();
  }

  /** Slots that are over go too: the database keeps the past, the ledger only what can still collide. */
  #forgetLapsed(now: string): void {
    this.#sql.exec("DELETE FROM slots WHERE lapses_at <= ? OR ends_at <= ?", now, now);
  }
}
