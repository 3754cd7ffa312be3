import type { Stage } from "./stage.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** Streams that are kept for different lengths of time (LOG-2, LOG-6). */
export type Category = "app" | "access" | "booking" | "ai" | "audit";

type Fields = Record<string, unknown> & { category?: Category; error?: unknown };
export type Logger = Record<Level, (message: string, fields?: Fields) => void>;

const SECRET_FIELD = /authorization|cookie|token|secret|password|api-?key|e-?mail|session-?id/i;
const EMAIL = /[^\s@"'<>()]+@[^\s@"'<>()]+\.[^\s@"'<>()]+/g;
const BEARER = /\b(Bearer|Basic)\s+\S+/gi;

/**
 * Writes one JSON object a line: level, message, ISO time, service, environment, release and the given fields (LOG-5).
 * Lines below LOG_LEVEL are dropped; with LOG_REDACT "true" personal and secret values are masked (LOG-7).
 */
export function logger(stage: Stage, context: Fields = {}): Logger {
  const threshold = LEVELS.indexOf(stage.LOG_LEVEL as Level);
  // Only "false" switches masking off, so a missing or mistyped setting masks.
  const replacer = stage.LOG_REDACT === "false" ? undefined : mask;

  const writer = (level: Level) => (message: string, fields: Fields = {}) => {
    if (LEVELS.indexOf(level) < threshold) return;
    const { error, ...rest } = fields;
    const line = {
      level,
      message,
      timestamp: new Date().toISOString(),
      service: stage.SERVICE_NAME,
      environment: stage.ENVIRONMENT,
      release: stage.RELEASE,
      category: "app",
      ...context,
      ...rest,
      ...(error === undefined ? {} : { error: described(error) }),
    };
    SINKS[level](JSON.stringify(line, replacer));
  };
  return {
    trace: writer("trace"),
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
}

// console.trace would add a stack of its own to the line.
const SINKS: Record<Level, (line: string) => void> = {
  trace: console.debug,
  debug: console.debug,
  info: console.info,
  warn: console.warn,
  error: console.error,
};

function described(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: described(error.cause) }),
  };
}

function mask(field: string, value: unknown): unknown {
  if (SECRET_FIELD.test(field)) return "[masked]";
  return typeof value === "string" ? value.replace(EMAIL, "[masked]").replace(BEARER, "$1 [masked]") : value;
}
