import { logger, type Logger } from "./log.ts";
import type { Stage } from "./stage.ts";

/** One thing that is wrong with one field of a request. */
export interface Fault {
  field: string;
  message: string;
}

/** A request that is answered with an error. Callers see `message`, so it never says how things work inside. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: { faults?: Fault[]; headers?: Record<string, string>; [field: string]: unknown } = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    const { headers, ...extra } = this.extra;
    return json({ code: this.code, message: this.message, ...extra }, this.status, headers);
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, {
    status,
    headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", ...headers },
  });
}

/** Which versions of which Workers had a part in an answer, spelt as Cloudflare's version overrides are. */
export const VERSIONS = "X-Version";

export interface Call<Env> {
  request: Request;
  env: Env;
  context: ExecutionContext;
  params: Record<string, string | undefined>;
  log: Logger;
  requestId: string;
  /** Which versions have had a part in the answer so far, each as a member of the header `VERSIONS`. */
  versions: Set<string>;
}

type Method = "GET" | "POST" | "DELETE";
export type Handler<Env> = (call: Call<Env>) => Response | Promise<Response>;
export type Routes<Env> = Record<string, Partial<Record<Method, Handler<Env>>>>;
type Gate<Env> = (call: Call<Env>) => void;

/** The pattern of the ids that this product gives out. */
export const ID = ":id([0-9a-f\\-]{36})";

/**
 * Returns a fetch handler over a table of paths. HEAD is answered like GET, an unknown path with 404, a wrong method
 * with 405, an unforeseen error with 500 and a log line. `gate` may refuse any call before its handler runs.
 */
export function serve<Env extends Stage>(
  routes: Routes<Env>,
  gate: Gate<Env> = () => {},
): ExportedHandlerFetchHandler<Env> {
  const table = Object.entries(routes).map(([pathname, methods]) => ({
    pattern: new URLPattern({ pathname }),
    methods,
  }));

  function handlerFor(request: Request, path: string): { handler: Handler<Env>; params: Call<Env>["params"] } {
    for (const { pattern, methods } of table) {
      const match = pattern.exec({ pathname: path });
      if (match === null) continue;
      const handler = methods[(request.method === "HEAD" ? "GET" : request.method) as Method];
      if (handler !== undefined) return { handler, params: match.pathname.groups };
      const allowed = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
      throw new Refusal(405, "METHOD_NOT_ALLOWED", `${path} does not take ${request.method}.`, {
        headers: { Allow: allowed.join(", ") },
      });
    }
    throw new Refusal(404, "NOT_FOUND", `There is nothing at ${path}.`);
  }

  return async (request, env, context) => {
    const started = Date.now();
    const path = new URL(request.url).pathname;
    const requestId = idOf(request);
    const log = logger(env, { requestId });
    const versions = new Set([`${env.SERVICE_NAME}="${env.VERSION.id}"`]);
    let response: Response;
    try {
      const call = { request: request as Request, env, context, params: {}, log, requestId, versions };
      // The gate comes first: during maintenance even an unknown path is told about the maintenance.
      gate(call);
      const { handler, params } = handlerFor(call.request, path);
      response = await handler({ ...call, params });
    } catch (error) {
      const refused = error instanceof Refusal;
      if (!refused) log.error("unforeseen error", { error });
      response = (refused ? error : new Refusal(500, "INTERNAL", "Something went wrong.")).toResponse();
    }
    log.info("request", {
      category: "access",
      method: request.method,
      path,
      status: response.status,
      ms: Date.now() - started,
    });
    const answer = new Response(request.method === "HEAD" ? null : response.body, response);
    answer.headers.set("X-Request-Id", requestId);
    answer.headers.set(VERSIONS, [...versions].join(", "));
    return answer;
  };
}

/** Cloudflare's own id when the call came from outside, else the id that the calling Worker passed on. */
function idOf(request: { headers: Headers }): string {
  const given = request.headers.get("CF-Ray") ?? request.headers.get("X-Request-Id") ?? "";
  return /^[\w-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}
