// The tail Worker of every Worker of a stage: workerd tells it of each invocation how it ended, whoever made it.
//
// Source of the statuses and of what is an error: Workers documentation, "Metrics and analytics".

import { Tally, wantsCounts } from "./tally.mjs";

const STATUSES = {
  ok: "success",
  exception: "scriptThrewException",
  canceled: "clientDisconnected",
  responseStreamDisconnected: "responseStreamDisconnected",
  exceededCpu: "exceededResources",
  exceededMemory: "exceededResources",
};
const ERRORS = new Set(["scriptThrewException", "exceededResources", "internalError"]);
const tally = new Tally();

export default {
  tail(events, env, { props }) {
    for (const { outcome, exceptions, eventTimestamp, executionModel, event } of events) {
      // Invocations of Durable Objects are in a dataset of their own; the rehearsal's questions are nobody's.
      if (executionModel === "durableObject" || isOurs(event?.request?.url, env.OWN_PATHS)) continue;
      const status = STATUSES[ended(outcome, exceptions, event)] ?? "internalError";
      const sums = {
        requests: 1,
        errors: Number(ERRORS.has(status)),
        clientDisconnects: Number(status === "clientDisconnected"),
      };
      // As Cloudflare measures it, until nothing of the invocation runs any more; workerd itself says 0.
      const wallTime = (Date.now() - eventTimestamp) * 1000;
      const dimensions = { scriptName: props.worker, scriptVersion: props.version, status };
      tally.add("workersInvocationsAdaptive", eventTimestamp, dimensions, sums, { wallTime });
    }
  },

  fetch(request, env) {
    return wantsCounts(request, env.SECRET) ? Response.json(tally.take()) : new Response(null, { status: 404 });
  },
};

// On its own, workerd calls two more endings "ok": a message or a cron trigger whose handler threw, and a visitor who left.
function ended(outcome, exceptions, event) {
  if (outcome !== "ok" || event === null) return outcome;
  if ((event.queue !== undefined || event.cron !== undefined) && exceptions.length > 0) return "exception";
  return event.request !== undefined && event.response === undefined ? "canceled" : outcome;
}

function isOurs(url, paths) {
  if (url === undefined) return false;
  const { hostname, pathname } = new URL(url);
  return hostname === "rehearsal" && paths.includes(pathname);
}
