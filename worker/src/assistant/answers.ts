import type { Turn } from "../shared/chat.ts";
import { sha256 } from "../shared/digest.ts";
import { kvLife } from "../shared/stage.ts";
import type { Env } from "./env.d.ts";

const MODEL = "@cf/meta/llama-3.1-8b-instruct-fp8";
const INSTRUCTION = "You help members of a small booking site. Answer briefly. Say so when you do not know.";
/** How many turns the model gets to see. */
const MEMORY = 20;
const PATIENCE = 30_000;

export type Prompt = { role: "system" | "user" | "assistant"; content: string }[];

export function promptFor(turns: readonly Turn[], message: string): Prompt {
  const remembered = turns.slice(-MEMORY).map(({ role, content }) => ({ role, content }));
  return [{ role: "system", content: INSTRUCTION }, ...remembered, { role: "user", content: message }];
}

/**
 * Returns the key of a prompt in the cache. Everything the model would see counts, so only a first question is ever
 * shared between people (CCH-7); case and spaces do not count, because the answer does not depend on them.
 */
export async function cacheKey(prompt: Prompt): Promise<string> {
  const normalised = prompt.map(({ role, content }) => [
    role,
    content.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase(),
  ]);
  return `answer:${await sha256(JSON.stringify([MODEL, normalised]))}`;
}

export function cachedAnswer(env: Env, key: string): Promise<string | null> {
  return env.ANSWERS.get(key);
}

export function cacheAnswer(env: Env, key: string, answer: string): Promise<void> {
  return env.ANSWERS.put(key, answer, kvLife(env.CACHE_TTLS.apiSeconds));
}

/** Asks the model. Throws when it fails, says nothing, or takes longer than 30 s. */
export async function ask(env: Env, prompt: Prompt, longest = 512): Promise<string> {
  let timer: number | null = null;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the model gave no answer within ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    const output = await Promise.race([env.AI.run(MODEL, { messages: prompt, max_tokens: longest }), tooLate]);
    const answer = "response" in output ? output.response?.trim() : undefined;
    if (!answer) throw new Error("the model answered without a text");
    return answer;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks the model for one token. Success is remembered for five minutes, so a health check every minute neither costs
 * much nor hides an outage for long.
 */
export async function modelProbe(env: Env): Promise<void> {
  const remembered = "health:model";
  if ((await env.ANSWERS.get(remembered)) !== null) return;
  await ask(env, [{ role: "user", content: "ping" }], 1);
  await env.ANSWERS.put(remembered, "ok", kvLife(300));
}
