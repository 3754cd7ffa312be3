import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";

const STAGE = { SERVICE_NAME: "s", ENVIRONMENT: "e", RELEASE: "r", LOG_LEVEL: "trace", LOG_REDACT: "true" };
const METHODS = ["debug", "info", "warn", "error"];

/** Runs `body` with a logger over src/shared/log.ts and returns the lines it wrote, parsed. */
async function logged(stage, body) {
  const source = `${import.meta.dirname}/../src/shared/log.ts`;
  const { outputFiles } = await build({ entryPoints: [source], bundle: true, format: "esm", write: false });
  const lines = [];
  const originals = METHODS.map((method) => console[method]);
  // The module takes hold of the console when it is loaded, so each run loads a copy of its own.
  for (const method of METHODS) console[method] = (line) => lines.push({ ...JSON.parse(line), method });
  try {
    const copy = `${outputFiles[0].text}\n// ${crypto.randomUUID()}`;
    const { logger } = await import(`data:text/javascript,${encodeURIComponent(copy)}`);
    body(logger({ ...STAGE, ...stage }));
  } finally {
    METHODS.forEach((method, index) => (console[method] = originals[index]));
  }
  return lines;
}

test("a line says who speaks, and an error brings its stack and cause", async () => {
  const error = new Error("outer", { cause: new TypeError("inner") });
  const [line] = await logged({}, (log) => log.error("it broke", { error, booking: "b-1" }));
  const { timestamp, error: described, ...rest } = line;
  assert.deepEqual(rest, {
    level: "error",
    message: "it broke",
    service: "s",
    environment: "e",
    release: "r",
    category: "app",
    booking: "b-1",
    method: "error",
  });
  assert.ok(!Number.isNaN(Date.parse(timestamp)));
  assert.match(described.stack, /log\.test\.mjs/);
  assert.equal(described.cause.name, "TypeError");
});

test("personal and secret values are masked wherever they hide", async () => {
  const secrets = {
    memberEmail: "ann",
    headers: { Authorization: "abc", Cookie: "c=1", Accept: "*/*" },
    list: ["mail bob@example.com now", "Bearer abc.def"],
    error: new Error("no member carl@example.com"),
  };
  const [line] = await logged({}, (log) => log.info("for dora@example.com", secrets));
  const text = JSON.stringify(line);
  for (const secret of ["ann", "abc", "c=1", "bob@", "carl@", "dora@"]) assert.ok(!text.includes(secret), secret);
  assert.equal(line.headers.Accept, "*/*");
  assert.equal(line.list[0], "mail [masked] now");
});

test("only the word false switches masking off", async () => {
  const tell = (log) => log.info("x", { memberEmail: "ann@example.com" });
  const masked = async (LOG_REDACT) => (await logged({ LOG_REDACT }, tell))[0].memberEmail === "[masked]";
  assert.deepEqual([await masked("true"), await masked(undefined), await masked("false")], [true, true, false]);
});

test("each level silences those below it", async () => {
  const levels = ["trace", "debug", "info", "warn", "error"];
  for (const [index, LOG_LEVEL] of levels.entries()) {
    const lines = await logged({ LOG_LEVEL }, (log) => levels.forEach((level) => log[level]("x")));
    assert.deepEqual(
      lines.map(({ level }) => level),
      levels.slice(index),
    );
  }
});
