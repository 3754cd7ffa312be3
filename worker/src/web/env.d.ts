// Written by `bulkhead bindings types` from the product; a change is made there, and then this is written anew.

/** Everything that the Worker `web` is granted. */
export interface Env {
  // What every Worker is told about its stage.
  CACHE_TTLS: {
    staticSeconds: number;
    apiSeconds: number;
    rulesSeconds: number;
    sessionSeconds: number;
    profileSeconds: number;
    experimentSeconds: number;
    defaultSeconds: number;
  };
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

  // What this Worker may touch.
  SESSIONS: KVNamespace;
  BOOKING: Fetcher;
  ASSISTANT: Fetcher;
  SESSION_KEY: string;
  VERSION: WorkerVersionMetadata;
}
