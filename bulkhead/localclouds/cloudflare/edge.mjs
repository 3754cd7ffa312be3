// The Worker that every visitor comes to: it finds the Worker of a hostname, and counts what it replies.

import { Tally, wantsCounts } from "./tally.mjs";

const THREW = 500; // what a visitor gets of Cloudflare then, with error 1101
const tally = new Tally();

export default {
  async fetch(request, env) {
    if (wantsCounts(request, env.SECRET)) return Response.json(tally.take());
    const { hostname } = new URL(request.url);
    const worker = Object.hasOwn(env.HOSTS, hostname) ? env.HOSTS[hostname] : env.FIRST;
    if (worker === null) return new Response("No Worker of this stage is deployed.\n", { status: 404 });
    const began = Date.now();
    let edgeResponseStatus = THREW;
    try {
      const response = await env[`to ${worker}`].fetch(request);
      edgeResponseStatus = response.status;
      return response;
    } finally {
      const dimensions = {
        clientRequestHTTPHost: hostname,
        clientRequestHTTPMethodName: request.method,
        edgeResponseStatus,
        requestSource: "eyeball",
      };
      tally.add("httpRequestsAdaptiveGroups", began, dimensions, {}, { edgeTimeToFirstByteMs: Date.now() - began });
    }
  },
};
