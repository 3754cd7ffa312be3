// Answers members' questions. Only other Workers of the stage call it; it has no hostname.

import { chatRequest, type Said } from "../shared/chat.ts";
import { health } from "../shared/health.ts";
import { ID, json, Refusal, serve, type Call } from "../shared/http.ts";
import { readJson } from "../shared/input.ts";
import { modelProbe } from "./answers.ts";
import type { Env } from "./env.d.ts";

export { Conversation } from "./conversation.ts";

export default {
  fetch: serve<Env>({
    "/health": { GET: checkHealth },
    "/conversations": { POST: say },
    [`/conversations/${ID}`]: { GET: show },
  }),
} satisfies ExportedHandler<Env>;

async function say({ request, env, log }: Call<Env>): Promise<Response> {
  const { conversationId, message } = chatRequest(await readJson(request));
  const id = conversationId ?? crypto.randomUUID();
  const said = await conversation(env, id).say(id, actorOf(request), message, conversationId === undefined);
  if (said.outcome !== "answered") throw refusalOf(said);
  const { answer, cached, turns } = said;
  log.info("answered", { category: "ai", conversationId: id, cached, turns });
  return json({ conversationId: id, answer, cached, turns }, conversationId === undefined ? 201 : 200);
}

async function show({ request, env, params }: Call<Env>): Promise<Response> {
  const id = params.id ?? "";
  const turns = await conversation(env, id).turns(actorOf(request));
  if (turns === null) throw refusalOf({ outcome: "unknown" });
  return json({ conversationId: id, turns });
}

function refusalOf(said: Exclude<Said, { outcome: "answered" }>): Refusal {
  switch (said.outcome) {
    case "unknown":
      return new Refusal(404, "NO_CONVERSATION", "There is no such conversation of yours.");
    case "busy":
      return new Refusal(409, "BUSY", "Your last message is still being answered.");
    case "full":
      return new Refusal(409, "FULL", "This conversation is too long. Start a new one.");
    case "failed":
      return new Refusal(503, "NO_ANSWER", "The assistant cannot answer now. Nothing was kept; please try again.");
  }
}

function checkHealth({ env, log }: Call<Env>): Promise<Response> {
  return health(env, log, {
    answers: async () => void (await env.ANSWERS.get("health")),
    transcripts: async () => void (await env.TRANSCRIPTS.head("health")),
    model: () => modelProbe(env),
  });
}

function conversation(env: Env, id: string) {
  return env.CONVERSATION.get(env.CONVERSATION.idFromName(id));
}

function actorOf(request: Request): string {
  return request.headers.get("X-Actor") ?? "unknown";
}
