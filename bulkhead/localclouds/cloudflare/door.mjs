// The Worker before the hostnames of a closed stage: Cloudflare Access, as far as a request shows it.
//
// The edge sends it the requests of those hostnames, and it passes on whoever comes with a service token, or with the cookie that such a
// visit was given. A person's login is not rehearsed: it is where the team's domain is. Source: Cloudflare One
// documentation, "Service tokens", "Application token", "Authorization cookie".

import { generateKeyPairSync, randomUUID } from "node:crypto";

const NAME = "rehearsal-access";

let signer; // made when a stage is closed for the first time: it takes a while

/**
 * The Worker before the closed hostnames of these Workers, each a binding of it; undefined where none is closed. Routes
 * come after the login, so a `router` stands behind it.
 */
export function doorWorker(workers, doors, router) {
  const closed = hostsOf(workers).filter(([hostname]) => Object.hasOwn(doors, hostname));
  if (closed.length === 0) return undefined;
  signer ??= newSigner();
  const script = `export default { fetch: (${door})(${JSON.stringify(doors)}, ${JSON.stringify(signer)}) };`;
  const serviceBindings = Object.fromEntries(closed.map(([hostname, name]) => [hostname, { name: router?.name ?? name }]));
  return { name: NAME, compatibilityDate: "2026-01-01", modules: true, script, serviceBindings };
}

/** The hostnames of Workers, each with the name of its Worker. */
export function hostsOf(workers) {
  return workers.flatMap(({ name, routes = [] }) => routes.map((route) => [route.replace(/\/\*$/, ""), name]));
}

function newSigner() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [own, shown] = [privateKey, publicKey].map((key) => key.export({ format: "jwk" }));
  return { kid: randomUUID(), own, shown };
}

// Runs inside workerd: its text becomes part of the Worker, so it uses nothing but its parameters.
function door(doors, { kid, own, shown }) {
  const COOKIE = "CF_Authorization";
  const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const text = new TextEncoder();
  const key = (jwk, use) => crypto.subtle.importKey("jwk", jwk, RS256, false, [use]);
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const digest = async (word) => hex(await crypto.subtle.digest("SHA-256", text.encode(word)));
  const base64 = (bytes) =>
    btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const bytes = (word) => Uint8Array.from(atob(word.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const part = (value) => base64(text.encode(JSON.stringify(value)));
  const now = () => Math.floor(Date.now() / 1000);

  const sign = async (claims) => {
    const signed = `${part({ alg: "RS256", kid, typ: "JWT" })}.${part(claims)}`;
    const signature = await crypto.subtle.sign(RS256, await key(own, "sign"), text.encode(signed));
    return `${signed}.${base64(new Uint8Array(signature))}`;
  };
  const isGood = async (token, { aud }) => {
    try {
      const [header, claims, signature] = token.split(".");
      const signed = text.encode(`${header}.${claims}`);
      if (!(await crypto.subtle.verify(RS256, await key(shown, "verify"), bytes(signature), signed))) return false;
      const said = JSON.parse(new TextDecoder().decode(bytes(claims)));
      return said.aud.includes(aud) && said.exp > now();
    } catch {
      return false; // it is no token
    }
  };
  const tokenFor = async (headers, { keys, aud, team, seconds }) => {
    const [id, secret] = ["CF-Access-Client-Id", "CF-Access-Client-Secret"].map((name) => headers.get(name));
    const known = id !== null && secret !== null && Object.hasOwn(keys, id) ? keys[id] : [];
    const given = await digest(secret ?? "");
    if (!known.some(([own, ends]) => own === given && Date.parse(ends) > Date.now())) return undefined;
    const iss = `https://${team}.cloudflareaccess.com`;
    return sign({ type: "app", aud: [aud], iss, iat: now(), exp: now() + seconds, common_name: id, sub: "" });
  };
  const refuse = (url, { team, aud, people, says401 }) => {
    if (says401) return new Response("Unauthorized\n", { status: 401 });
    if (!people) return new Response("Forbidden\n", { status: 403 });
    const query = new URLSearchParams({ kid: aud, redirect_url: url.pathname + url.search });
    const login = `https://${team}.cloudflareaccess.com/cdn-cgi/access/login/${url.hostname}?${query}`;
    return new Response(null, { status: 302, headers: { Location: login, "Cache-Control": "private, max-age=0, no-store" } });
  };

  return async (request, env) => {
    const url = new URL(request.url);
    const own = doors[url.hostname];
    if (url.pathname === "/cdn-cgi/access/certs") {
      return Response.json({ keys: [{ ...shown, kid, alg: "RS256", use: "sig" }] });
    }
    const headers = new Headers(request.headers);
    for (const name of ["CF-Access-Client-Id", "CF-Access-Client-Secret", "Cf-Access-Jwt-Assertion"]) headers.delete(name);
    const passed = (given) => {
      if (given !== undefined) headers.set("Cf-Access-Jwt-Assertion", given);
      return env[url.hostname].fetch(new Request(request, { headers }));
    };
    if (own.bypassed) return passed();
    const cookies = (request.headers.get("Cookie") ?? "").split(/;\s*/);
    const cookie = cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
    if (cookie !== undefined && (await isGood(cookie, own))) return passed(cookie);
    const token = await tokenFor(request.headers, own);
    if (token === undefined) return refuse(url, own);
    const response = await passed(token);
    if (response.webSocket) return response;
    const answer = new Response(response.body, response);
    answer.headers.append("Set-Cookie", `${COOKIE}=${token}; Path=/; Secure; HttpOnly; SameSite=Lax`);
    return answer;
  };
}
