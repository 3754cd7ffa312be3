import { sha256 } from "../shared/digest.ts";
import { kvLife } from "../shared/stage.ts";
import type { Env } from "./env.d.ts";

// The prefix makes browsers insist on Secure, Path=/ and no Domain, so no sister host can set this cookie.
const COOKIE = "__Host-session";
const HMAC = { name: "HMAC", hash: "SHA-256" };

export interface Session {
  /** A pseudonym that other Workers get to see; it cannot be turned back into a cookie. */
  actor: string;
  /** Set when the session is new and the browser has to be told. */
  cookie: string | null;
}

/** Returns the session of a request, or null when it has none that is signed by us and still kept. */
export async function findSession(env: Env, request: Request): Promise<Session | null> {
  const [id, signature] = readCookie(request)?.split(".") ?? [];
  if (!id || !signature) return null;
  // verify() compares in constant time.
  const genuine = await crypto.subtle.verify(HMAC.name, await keyOf(env), fromHex(signature), bytes(id));
  if (!genuine || (await env.SESSIONS.get(`session:${id}`)) === null) return null;
  return { actor: await actorOf(id), cookie: null };
}

/** Returns the session of a request, or starts one. Reading pages starts none: visitors are not written down. */
export async function openSession(env: Env, request: Request): Promise<Session> {
  return (await findSession(env, request)) ?? (await startSession(env));
}

async function startSession(env: Env): Promise<Session> {
  const id = crypto.randomUUID();
  const signature = toHex(await crypto.subtle.sign(HMAC.name, await keyOf(env), bytes(id)));
  const life = kvLife(env.CACHE_TTLS.sessionSeconds);
  await env.SESSIONS.put(`session:${id}`, JSON.stringify({ startedAt: new Date().toISOString() }), life);
  const cookie = `${COOKIE}=${id}.${signature}; Path=/; Max-Age=${life.expirationTtl}; HttpOnly; Secure; SameSite=Lax`;
  return { actor: await actorOf(id), cookie };
}

function readCookie(request: Request): string | undefined {
  const cookies = request.headers.get("Cookie")?.split(";").map((cookie) => cookie.trim()) ?? [];
  return cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

async function actorOf(id: string): Promise<string> {
  return `session:${(await sha256(`actor:${id}`)).slice(0, 32)}`;
}

function keyOf(env: Env): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes(env.SESSION_KEY), HMAC, false, ["sign", "verify"]);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function toHex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Anything that is not hex becomes bytes that no signature has. */
function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
