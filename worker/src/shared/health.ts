import { forward } from "./forward.ts";
import { json, type Call } from "./http.ts";
import type { Logger } from "./log.ts";
import type { Stage } from "./stage.ts";

export interface Check {
  ok: boolean;
  ms: number;
  /** Why it failed, in words that anybody may read. */
  detail?: string;
  /** The checks of the Worker that was asked. */
  checks?: Record<string, Check>;
}

/** A dependency that answered, and said that it cannot do its work. */
export class Unhealthy extends Error {
  constructor(
    detail: string,
    readonly checks?: Record<string, Check>,
  ) {
    super(detail);
  }
}

/** Asks one dependency; whatever it throws counts as failed. It may return the checks it collected. */
export type Probe = (signal: AbortSignal) => Promise<Record<string, Check> | void>;

const PATIENCE = 3_000;

/**
 * Asks all dependencies at once and answers 200 or 503 (MON-5). Anybody may read the answer, so errors go to the log
 * and only an `Unhealthy` message goes out.
 */
export async function health(
  env: Stage,
  log: Logger,
  probes: Record<string, Probe>,
  patience = PATIENCE,
): Promise<Response> {
  const asked = Object.entries(probes);
  const results = asked.map(async ([name, probe]) => [name, await check(name, probe, log, patience)] as const);
  const checks = Object.fromEntries(await Promise.all(results));
  const healthy = Object.values(checks).every(({ ok }) => ok);
  const body = {
    status: !healthy ? "failed" : env.MAINTENANCE_MODE === "true" ? "maintenance" : "ok",
    timestamp: new Date().toISOString(),
    service: env.SERVICE_NAME,
    environment: env.ENVIRONMENT,
    stage: env.STAGE,
    version: { release: env.RELEASE, id: env.VERSION.id },
    checks,
  };
  return json(body, healthy ? 200 : 503);
}

async function check(name: string, probe: Probe, log: Logger, patience: number): Promise<Check> {
  const started = Date.now();
  const signal = AbortSignal.timeout(patience);
  const tooLate = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(new Unhealthy(`no answer within ${patience} ms`)), { once: true }),
  );
  try {
    const checks = await Promise.race([probe(signal), tooLate]);
    return { ok: true, ms: Date.now() - started, ...(checks ? { checks } : {}) };
  } catch (error) {
    log.warn("dependency failed", { dependency: name, error });
    const known = error instanceof Unhealthy ? error : new Unhealthy("unavailable");
    return {
      ok: false,
      ms: Date.now() - started,
      detail: known.message,
      ...(known.checks ? { checks: known.checks } : {}),
    };
  }
}

/** Asks another Worker for its own health and passes its checks on. A service needs more patience than its parts. */
export function workerProbe(call: Call<unknown>, service: Fetcher): Probe {
  return async (signal) => {
    const response = await forward(call, service, "/health", { signal });
    const { checks } = await response.json<{ checks: Record<string, Check> }>();
    if (!response.ok) throw new Unhealthy("one of its own dependencies failed", checks);
    return checks;
  };
}
export const WORKER_PATIENCE = PATIENCE + 2_000;

/** Asks a database whether it answers and has the given tables. */
export function databaseProbe(database: D1Database, tables: readonly string[]): Probe {
  return async () => {
    const marks = tables.map(() => "?").join(", ");
    const query = `SELECT count(*) AS found FROM sqlite_schema WHERE type = 'table' AND name IN (${marks})`;
    const found = await database.prepare(query).bind(...tables).first<number>("found");
    if (found !== tables.length) throw new Unhealthy("tables are missing; apply the migrations");
  };
}
