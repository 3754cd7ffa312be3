// The local Cloudflare of one stage, as one process: `node host.mjs PACKAGE_JSON PERSIST_DIRECTORY`.
//
// Miniflare is taken from beside PACKAGE_JSON. Prints one line of JSON when it is ready, and ends (workerd first) when
// its stdin ends or somebody asks it to. The environment holds the token without which nothing is answered.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

import { perform } from "./operations.mjs";
import { Refusal, Stage } from "./stage.mjs";

const [packageJson, persist] = process.argv.slice(2);
const token = process.env.BULKHEAD_CONTROL_TOKEN;
if (!packageJson || !persist || !token) {
  console.error("usage: BULKHEAD_CONTROL_TOKEN=... node host.mjs PACKAGE_JSON PERSIST_DIRECTORY");
  process.exit(2);
}
const require = createRequire(packageJson);
const library = require("miniflare");
const { compatibilityDate } = createRequire(require.resolve("miniflare"))("workerd");

const random = () => randomBytes(24).toString("hex");
const stage = new Stage(library, persist, random(), { accessKeyId: random(), secretAccessKey: random() });

const CHANGES = {
  apply: ({ wanted, removals }) => stage.apply(wanted, removals),
  declare: ({ wanted, removals }) => stage.declare(wanted, removals),
  replace: (given) => stage.replace(given),
};

const server = createServer(async (request, response) => {
  const answer = (status, value) => response.writeHead(status).end(JSON.stringify(value ?? null));
  try {
    if (!allowed(request.headers.authorization ?? "")) return answer(401, { error: "wrong or no token" });
    const name = request.url.slice(1);
    const given = await json(request);
    if (Object.hasOwn(CHANGES, name)) return answer(200, await CHANGES[name](given));
    answer(200, await stage.use(() => perform(stage, name, given)));
  } catch (error) {
    answer(error instanceof Refusal ? 409 : 500, { error: error?.message ?? String(error) });
  }
});

let ending;
const end = () => (ending ??= stage.stop().finally(() => process.exit(0)));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, end);
process.stdin.on("end", end).on("error", end).resume();

await stage.start();
server.listen(0, "127.0.0.1", () => {
  const control = `http://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ url: stage.url.origin, control, compatibilityDate }));
});

function allowed(authorization) {
  const expected = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(authorization);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function json(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}
