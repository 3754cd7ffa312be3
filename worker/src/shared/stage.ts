/** Lives of cached things in seconds (CCH-1 to CCH-7). */
export interface CacheTtls {
  staticSeconds: number;
  apiSeconds: number;
  rulesSeconds: number;
  sessionSeconds: number;
  profileSeconds: number;
  experimentSeconds: number;
  defaultSeconds: number;
}

/** What every Worker is told about its stage (ENV-7), and which version of itself is running. */
export interface Stage {
  CACHE_TTLS: CacheTtls;
  ENVIRONMENT: string;
  FEATURE_FLAGS: Record<string, boolean>;
  LOG_LEVEL: string;
  LOG_REDACT: string;
  MAINTENANCE_END_TIME: string;
  MAINTENANCE_MODE: string;
  NODE_ENV: string;
  RELEASE: string;
  SERVICE_NAME: string;
  STAGE: string;
  TZ: string;
  VERSION: WorkerVersionMetadata;
}

/** Cloudflare KV refuses to keep anything for less than this. */
const SHORTEST_KV_LIFE = 60;

export function kvLife(seconds: number): { expirationTtl: number } {
  return { expirationTtl: Math.max(SHORTEST_KV_LIFE, seconds) };
}
