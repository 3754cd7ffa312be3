// The Worker that stands before a stage's hostnames during maintenance (REL-8, ADR 0037). It is put there by routes, so
// it needs nothing of the product and answers when the product is broken.
//
// Whoever has the pass is handed on: what this Worker fetches from a hostname is answered by the Worker that has it
// (Workers documentation, "Routes"). The pass itself is not here, only its digest.

const PASS_HEADER = "X-Maintenance-Pass";
const COOKIE = "__Host-maintenance-pass"; // browsers take one of this name only by https, for this very hostname
const COOKIE_SECONDS = 12 * 3600;
const DOOR = "/__maintenance"; // where a person types the pass
const MOST_TYPED = 1024; // bytes of the form
const RETRY_SECONDS = 600; // where nobody said when it ends, or it should have ended
const JSON_TYPE = "application/json";
const HTML_TYPE = "text/html; charset=utf-8";
const WORDS = { en: "Under maintenance", ja: "メンテナンス中です" };

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (await isPass(passOf(request.headers), env)) return fetch(withoutPass(request));
    if (url.pathname === DOOR) return door(request, env);
    if (isPreflight(request)) return new Response(null, { status: 204, headers: { ...ALWAYS, ...PREFLIGHT } });
    return unavailable(request, url, env);
  },
};

const ALWAYS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Maintenance": "on", // by this, whoever switches it sees that it has come or gone
};
// Without it a page of another origin could not tell maintenance from a broken network. It lets no cookie come along,
// and no browser remembers it, so it opens nothing once the product answers again.
const PREFLIGHT = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
  "Access-Control-Max-Age": "0",
};
const READABLE = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After, X-Maintenance" };

function isPreflight(request) {
  return request.method === "OPTIONS" && request.headers.has("Access-Control-Request-Method");
}

function unavailable(request, url, env) {
  const end = Date.parse(env.UNTIL);
  const seconds = Math.ceil((end - Date.now()) / 1000);
  const ahead = seconds > 0; // false for no end as well
  const facts = {
    code: "MAINTENANCE",
    message: env.MESSAGE || "We are doing maintenance and will be back soon.",
    estimatedEnd: ahead ? env.UNTIL : null,
  };
  const headers = {
    ...ALWAYS,
    ...READABLE,
    "Retry-After": String(ahead ? seconds : RETRY_SECONDS),
    Vary: "Accept",
  };
  if (url.pathname === env.HEALTH) {
    const here = { timestamp: new Date().toISOString(), environment: env.ENVIRONMENT };
    return answer(request, 503, JSON.stringify({ status: "maintenance", ...facts, ...here }), JSON_TYPE, headers);
  }
  if (wantsPage(request)) return answer(request, 503, page(env, facts), HTML_TYPE, { ...headers, ...OF_PAGES });
  return answer(request, 503, JSON.stringify(facts), JSON_TYPE, headers);
}

function answer(request, status, body, type, headers) {
  const shown = request.method === "HEAD" ? null : body;
  return new Response(shown, { status, headers: { "Content-Type": type, ...headers } });
}

// A person's browser names HTML before everything else; whatever takes anything, or JSON as gladly, is a program.
function wantsPage(request) {
  const quality = (type) => {
    for (const range of (request.headers.get("Accept") ?? "").toLowerCase().split(",")) {
      const [name, ...parameters] = range.split(";").map((each) => each.trim());
      if (name !== type) continue;
      const q = parameters.find((each) => each.startsWith("q="));
      return q === undefined ? 1 : Number(q.slice(2)) || 0;
    }
    return 0;
  };
  return quality("text/html") > quality("application/json");
}

// Operators

function passOf(headers) {
  const cookies = (headers.get("Cookie") ?? "").split(/;\s*/);
  const cookie = cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return headers.get(PASS_HEADER) ?? cookie;
}

async function isPass(pass, env) {
  if (!pass || !env.PASS_SHA256) return false;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pass));
  const given = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // Whoever could time this would learn digests of words of their own, and no pass.
  return given === env.PASS_SHA256;
}

function withoutPass(request) {
  const headers = new Headers(request.headers);
  headers.delete(PASS_HEADER);
  const cookies = (headers.get("Cookie") ?? "").split(/;\s*/).filter((each) => each && !each.startsWith(`${COOKIE}=`));
  if (cookies.length > 0) headers.set("Cookie", cookies.join("; "));
  else headers.delete("Cookie");
  return new Request(request, { headers });
}

async function door(request, env) {
  const headers = { ...ALWAYS, ...OF_PAGES };
  if (request.method === "POST") {
    const typed = Number(request.headers.get("Content-Length") ?? MOST_TYPED) < MOST_TYPED ? await request.text() : "";
    const pass = new URLSearchParams(typed).get("pass")?.trim();
    if (await isPass(pass, env)) {
      const cookie = `${COOKIE}=${pass}; Path=/; Max-Age=${COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Strict`;
      return new Response(null, { status: 303, headers: { ...headers, Location: "/", "Set-Cookie": cookie } });
    }
  }
  const status = request.method === "POST" ? 403 : 200;
  return answer(request, status, formPage(env, status === 403), HTML_TYPE, headers);
}

// Pages

const STYLE =
  "body{font:1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem}" +
  "h1{font-size:1.4rem}section{margin-bottom:2.5rem}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}";
const OF_PAGES = {
  "Content-Language": "ja, en",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
};

function page(env, { estimatedEnd }) {
  const said = env.MESSAGE ? `<p>${escaped(env.MESSAGE)}</p>` : "";
  const time = `<time datetime="${escaped(env.UNTIL)}">${escaped(env.UNTIL_TEXT)}</time>`;
  const section = (language, sorry, ends) =>
    `<section lang="${language}"><h1>${WORDS[language]}</h1>${said}<p>${sorry}</p>` +
    `${estimatedEnd === null ? "" : `<p>${ends}: ${time}</p>`}</section>`;
  return html(
    section("ja", "ご不便をおかけして申し訳ありません。しばらくしてからもう一度お越しください。", "終了予定") +
      section("en", "We are sorry for the inconvenience. Please come back a little later.", "Expected to end"),
  );
}

function formPage(env, refused) {
  const wrong = refused ? "<p>That is not the pass. / パスが違います。</p>" : "";
  return html(
    `<h1>${escaped(env.ENVIRONMENT)}</h1>${wrong}<form method="post" action="${DOOR}">` +
      `<label>Pass / パス <input name="pass" type="password" autocomplete="off" required></label> ` +
      `<button>OK</button></form>`,
  );
}

function html(body) {
  const title = `${WORDS.ja} / ${WORDS.en}`;
  return (
    `<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>${title}</title>` +
    `<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">` +
    `<style>${STYLE}</style></head><body>${body}</body></html>`
  );
}

// Uploaded by hand, it is told nothing.
function escaped(text = "") {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
