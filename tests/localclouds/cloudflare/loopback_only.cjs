// Loaded into wrangler and every Node that it starts: lets no connection leave this machine, and notes who was asked for.
const { appendFileSync } = require("node:fs");
const net = require("node:net");

const HERE = new Set(["localhost", "127.0.0.1", "::1"]);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  const [options] = net._normalizeArgs(Array.isArray(given[0]) ? given[0] : given);
  if (options.path || HERE.has(options.host ?? "localhost")) return connect.apply(this, given);
  appendFileSync(process.env.ASKED_ELSEWHERE, `${options.host}\n`);
  return this.destroy(Object.assign(new Error(`${options.host} is not on this machine`), { code: "ECONNREFUSED" }));
};
