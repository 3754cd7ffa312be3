import { Refusal, type Fault } from "./http.ts";

const LARGEST_BODY = 16 * 1024;

/** Reads a JSON body of at most 16 KiB. Refuses with 415, 413 or 400. */
export async function readJson(request: Request): Promise<unknown> {
  // Asking for JSON also keeps forms of foreign sites out: a browser does not send this type across sites unasked.
  if (request.headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    throw new Refusal(415, "NOT_JSON", "Send the body as application/json.");
  }
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "NOT_JSON", "The body is not valid JSON.");
  }
}

/** Counts while reading, because Content-Length may be missing or wrong. */
async function readText(request: Request): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > LARGEST_BODY) {
      throw new Refusal(413, "TOO_LARGE", `The body is larger than ${LARGEST_BODY} bytes.`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Turns an unknown value into a T, or throws a Wrong that says what it should have been. */
export type Rule<T> = (value: unknown) => T;
export class Wrong extends Error {}

type Shape = Record<string, Rule<unknown>>;
type Parsed<S extends Shape> = { [Field in keyof S]: ReturnType<S[Field]> };

/** Checks a body against a rule for each field. Refuses with 400 and *all* faults, unknown fields included. */
export function parse<S extends Shape>(body: unknown, shape: S): Parsed<S> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal(400, "INVALID", "The body must be a JSON object.");
  }
  const given = body as Record<string, unknown>;
  const faults: Fault[] = Object.keys(given)
    .filter((field) => !Object.hasOwn(shape, field))
    .map((field) => ({ field: field.slice(0, 64), message: "is not a field of this request" }));
  const parsed: Record<string, unknown> = {};
  for (const [field, rule] of Object.entries(shape)) {
    try {
      parsed[field] = rule(given[field]);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      faults.push({ field, message: error.message });
    }
  }
  if (faults.length > 0) throw new Refusal(400, "INVALID", "Some fields are not right.", { faults });
  return parsed as Parsed<S>;
}

export function optional<T, D>(rule: Rule<T>, otherwise: D): Rule<T | D> {
  return (value) => (value === undefined ? otherwise : rule(value));
}

export function text(what: string, longest: number, pattern: RegExp): Rule<string> {
  return (value) => {
    if (typeof value !== "string" || value.length > longest || !pattern.test(value)) throw new Wrong(`must be ${what}`);
    return value;
  };
}

export function wholeNumber(least: number, most: number): Rule<number> {
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      throw new Wrong(`must be a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

export const yesOrNo: Rule<boolean> = (value) => {
  if (typeof value !== "boolean") throw new Wrong("must be true or false");
  return value;
};

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** An instant with its offset from UTC; a time without one would mean something else in every city. */
export const instant: Rule<Date> = (value) => {
  const date = typeof value === "string" && INSTANT.test(value) ? new Date(value) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Wrong("must be a time with offset, for example 2030-05-01T09:00:00Z");
  return date;
};
