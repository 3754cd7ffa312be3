// What an object of a class holds, handed out page by page, so that a copy of it can be kept outside of Cloudflare.
// A class offers it with one line, `export(after, limit) { return exportPage(this.ctx, after, limit); }`, and a Worker
// that reaches the class with `exports`.

import { json, Refusal, type Handler } from "./http.ts";

/** Where a page ended. In a table that is a rowid, or how many rows were handed out; among keys, the last one. */
export interface Position {
  table: string | null;
  last: string;
}

/**
 * A value as a copy has it: a text whose first letter is its type ("i" integer, "r" real, "t" text, "x" text and "b" blob
 * in hexadecimal digits), a number, or null. jobs/d1/values.py reads the same.
 */
type Value = string | number | null;
export type Line =
  | { table: string; rowid?: string; values: Value[] }
  | { key: string; value: unknown }
  | { key: string; bytes: string }
  /** A value of a kind that JSON does not have, such as a Map: what it is called, and nothing of it. */
  | { key: string; unsaid: string };

export interface Page {
  /** Another one after every write, and after a restart: pages with the same one are of the same moment. */
  counter: string;
  /** Milliseconds since 1970. */
  alarm: number | null;
  /** The SQL that made the tables and what belongs to them; and the columns of each, in the order of its values. */
  schema: string[];
  columns: Record<string, string[]>;
  lines: Line[];
  /** Where the next page begins; null when this was the last one. */
  next: Position | null;
}

export interface Exported extends Rpc.DurableObjectBranded {
  export(after: Position | null, limit: number): Promise<Page>;
}

const MOST_BYTES = 4 * 1024 * 1024;
const REPLACED = "\ufffd"; // what a text has in the place of bytes that are none
// Cloudflare's own tables, and those of a local one.
const THEIRS = /^(_cf_|__miniflare_|sqlite_)/;
const boots = new WeakMap<DurableObjectStorage, string>();

/** Hands out at most `limit` lines after a position: rows of each table, then keys with their values. */
export async function exportPage({ storage }: DurableObjectState, after: Position | null, limit: number): Promise<Page> {
  const tables = tablesOf(storage.sql);
  const page: Page = {
    counter: counterOf(storage),
    alarm: await storage.getAlarm(),
    schema: storage.sql
      .exec<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
      .toArray()
      .filter(({ name }) => !THEIRS.test(name))
      .map(({ sql }) => sql),
    columns: Object.fromEntries(tables.map(({ name, columns }) => [name, columns])),
    lines: [],
    next: null,
  };
  const room = { lines: limit, bytes: MOST_BYTES };
  const begin = after === null ? 0 : after.table === null ? tables.length : tables.findIndex(({ name }) => name === after.table);
  if (begin < 0) return page; // the table is gone, and the counter says that something has changed
  for (const [index, table] of tables.slice(begin).entries()) {
    const last = rowsOf(storage.sql, table, index === 0 && after !== null ? after.last : null, room, page.lines);
    if (last !== null) return { ...page, next: { table: table.name, last } };
  }
  const start = after !== null && after.table === null && after.last !== "" ? after.last : undefined;
  const last = await keysOf(storage, start, room, page.lines);
  return last === null ? page : { ...page, next: { table: null, last } };
}

/** SQLite counts every row that was written since the object was loaded, those of keys and of the alarm included. */
function counterOf(storage: DurableObjectStorage): string {
  const boot = boots.get(storage) ?? crypto.randomUUID();
  boots.set(storage, boot);
  const { changes, schema } = storage.sql
    .exec<{ changes: number; schema: number }>(
      "SELECT total_changes() AS changes, (SELECT coalesce(sum(length(sql)), 0) FROM sqlite_schema) AS schema",
    )
    .one();
  return `${boot} ${changes} ${schema}`;
}

interface Table {
  name: string;
  columns: string[];
  rowid: string | undefined;
}

function tablesOf(sql: SqlStorage): Table[] {
  return sql
    .exec<{ name: string; type: string; wr: number }>("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name")
    .toArray()
    .filter(({ name, type }) => (type === "table" || type === "virtual") && !THEIRS.test(name))
    .map(({ name, type, wr }) => {
      const columns = sql
        .exec<{ name: string }>("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", name)
        .toArray()
        .map((column) => column.name);
      const hidden = new Set(columns.map((column) => column.toLowerCase()));
      const rowid = wr === 0 && type === "table" ? ["rowid", "_rowid_", "oid"].find((each) => !hidden.has(each)) : undefined;
      return { name, columns, rowid };
    });
}

interface Room {
  lines: number;
  bytes: number;
}

/** Adds a table's rows after `last`; returns where it stopped, null at the end of the table. */
function rowsOf(sql: SqlStorage, table: Table, last: string | null, room: Room, lines: Line[]): string | null {
  const { rowid } = table;
  const id = rowid === undefined ? "NULL" : `CAST(${rowid} AS TEXT)`;
  const after = rowid === undefined ? "LIMIT -1 OFFSET CAST(? AS INTEGER)" : `WHERE ${rowid} > CAST(? AS INTEGER) ORDER BY ${rowid}`;
  const begin = last ?? (rowid === undefined ? "0" : "-9223372036854775808");
  const query = (text: string) => `SELECT ${id}, ${table.columns.map((name) => told(name, text)).join(", ")} FROM ${quoted(table.name)} ${after}`;
  let place = begin;
  let counted = rowid === undefined ? Number(begin) : 0;
  for (const row of sql.exec(query("t"), begin).raw<SqlStorageValue[]>()) {
    if (room.lines <= 0 || room.bytes <= 0) return place;
    const [found, ...values] = row;
    const isWhole = !values.some((value) => typeof value === "string" && value.startsWith("t") && value.includes(REPLACED));
    const kept = isWhole ? values : inHex(sql, query("x"), place);
    place = found === null ? String(++counted) : String(found);
    const line: Line = { table: table.name, ...(found === null ? {} : { rowid: place }), values: kept.map(asValue) };
    lines.push(line);
    room.lines -= 1;
    room.bytes -= JSON.stringify(line).length;
  }
  return null;
}

function inHex(sql: SqlStorage, query: string, after: string): SqlStorageValue[] {
  for (const [, ...values] of sql.exec(query, after).raw<SqlStorageValue[]>()) return values;
  throw new Error("a row is gone in the middle of a page");
}

function told(column: string, text: string): string {
  const name = quoted(column);
  const plain = text === "t" ? `iif(instr(${name}, char(0)), 'x' || hex(${name}), 't' || ${name})` : `'x' || hex(${name})`;
  return `CASE typeof(${name}) WHEN 'integer' THEN 'i' || ${name} WHEN 'text' THEN ${plain} WHEN 'blob' THEN 'b' || hex(${name}) ELSE ${name} END`;
}

/** JSON knows no infinity and no -0. */
function asValue(value: SqlStorageValue | undefined): Value {
  if (typeof value !== "number") return typeof value === "string" ? value : null;
  if (Object.is(value, -0)) return "r-0.0";
  return Number.isFinite(value) ? value : value > 0 ? "rinf" : "r-inf";
}

async function keysOf(storage: DurableObjectStorage, after: string | undefined, room: Room, lines: Line[]): Promise<string | null> {
  let last = after;
  while (room.lines > 0 && room.bytes > 0) {
    const found = await storage.list({ limit: Math.min(room.lines, 100), ...(last === undefined ? {} : { startAfter: last }) });
    if (found.size === 0) return null;
    for (const [key, value] of found) {
      const line = lineOf(key, value);
      lines.push(line);
      room.lines -= 1;
      room.bytes -= JSON.stringify(line).length;
      last = key;
    }
  }
  return last ?? "";
}

function lineOf(key: string, value: unknown): Line {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    return { key, bytes: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  return isJson(value) ? { key, value } : { key, unsaid: Object.prototype.toString.call(value).slice(8, -1) };
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isJson);
  return typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export const EXPORT_PATH = "/exports/:class([A-Za-z_$][\\w$]*)/:id([0-9a-f]{64})";
const MOST_LINES = 5000;

/** Answers `EXPORT_PATH` with a page of an object, to whoever knows `key`; of nobody else is even the class looked up. */
export function exports<Env>(
  key: (env: Env) => string,
  classes: (env: Env) => Record<string, DurableObjectNamespace<Exported & Rpc.DurableObjectBranded>>,
): Handler<Env> {
  return async ({ request, env, params }) => {
    if (!(await isSame(request.headers.get("Authorization") ?? "", `Bearer ${key(env)}`))) {
      throw new Refusal(401, "UNAUTHORIZED", "Only the stage's jobs may export.", { headers: { "WWW-Authenticate": "Bearer" } });
    }
    const namespace = classes(env)[params.class ?? ""];
    if (namespace === undefined) throw new Refusal(404, "NO_EXPORT", "There is no such class here.");
    const { after, limit } = wish(await request.json());
    const object = namespace.get(namespace.idFromString(params.id ?? "")) as unknown as Exported;
    return json(await object.export(after, limit));
  };
}

function wish(body: unknown): { after: Position | null; limit: number } {
  const { after = null, limit } = Object(body) as { after?: Position | null; limit?: unknown };
  const isPlace = after === null || ((after.table === null || typeof after.table === "string") && typeof after.last === "string");
  if (!isPlace || !Number.isInteger(limit) || Number(limit) < 1 || Number(limit) > MOST_LINES) {
    throw new Refusal(400, "INVALID", `after is a position, and limit is 1 to ${MOST_LINES}.`);
  }
  return { after, limit: Number(limit) };
}

/** Compares without telling by its time how much was right. */
async function isSame(given: string, expected: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [given, expected].map((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
  );
  return crypto.subtle.timingSafeEqual(one as ArrayBuffer, other as ArrayBuffer);
}
