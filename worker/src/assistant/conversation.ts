import { DurableObject } from "cloudflare:workers";
import type { Said, Turn } from "../shared/chat.ts";
import { logger } from "../shared/log.ts";
import { ask, cacheAnswer, cachedAnswer, cacheKey, promptFor } from "./answers.ts";
import type { Env } from "./env.d.ts";

/** The transcript is written whole after each turn, so a conversation has to end somewhere. */
const MOST_TURNS = 200;

/** One conversation of one session: its turns, and the only writer of its transcript. */
export class Conversation extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  #answering = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS turns (
      number INTEGER PRIMARY KEY,
      role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
      content TEXT NOT NULL,
      at TEXT NOT NULL
    ) STRICT`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS owner (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      actor TEXT NOT NULL
    ) STRICT`);
  }

  /** Answers a message of `actor`. The first message of a new conversation makes its sender the owner. */
  async say(id: string, actor: string, message: string, isNew: boolean): Promise<Said> {
    if (!isNew && !this.#belongsTo(actor)) return { outcome: "unknown" };
    // While the model thinks, other calls come in; a second message would miss the first one's answer.
    if (this.#answering) return { outcome: "busy" };
    this.#answering = true;
    try {
      return await this.#answer(id, actor, message);
    } catch (error) {
      logger(this.env, { category: "ai", conversationId: id }).error("no answer", { error });
      return { outcome: "failed" };
    } finally {
      this.#answering = false;
    }
  }

  /** Returns the turns so far, or null when there is no such conversation of this actor. */
  turns(actor: string): Turn[] | null {
    return this.#belongsTo(actor) ? this.#turns() : null;
  }

  /** Everything that can fail comes before the turns are kept, so a failed message leaves no trace. */
  async #answer(id: string, actor: string, message: string): Promise<Said> {
    const before = this.#turns();
    if (before.length >= MOST_TURNS) return { outcome: "full" };
    const askedAt = new Date().toISOString();

    const prompt = promptFor(before, message);
    const key = await cacheKey(prompt);
    const known = await cachedAnswer(this.env, key);
    const answer = known ?? (await ask(this.env, prompt));

    const added: Turn[] = [
      { role: "user", content: message, at: askedAt },
      { role: "assistant", content: answer, at: new Date().toISOString() },
    ];
    const turns = [...before, ...added];
    // First the transcript, which has to be kept (AUD-2); should the turns fail, the next transcript replaces it.
    await this.env.TRANSCRIPTS.put(`conversations/${id}.json`, JSON.stringify({ conversationId: id, turns }), {
      httpMetadata: { contentType: "application/json" },
    });
    this.#keep(actor, before.length, added);
    if (known === null) {
      this.ctx.waitUntil(
        cacheAnswer(this.env, key, answer).catch((error) =>
          logger(this.env, { category: "ai" }).warn("answer not cached", { error }),
        ),
      );
    }
    return { outcome: "answered", answer, cached: known !== null, turns: turns.length };
  }

  #keep(actor: string, count: number, added: readonly Turn[]): void {
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("INSERT INTO owner (only, actor) VALUES (1, ?) ON CONFLICT DO NOTHING", actor);
      for (const [index, { role, content, at }] of added.entries()) {
        this.#sql.exec(
          "INSERT INTO turns (number, role, content, at) VALUES (?, ?, ?, ?)",
          count + index + 1,
          role,
          content,
          at,
        );
      }
    });
  }

  #turns(): Turn[] {
    return this.#sql
      .exec<Turn & Record<string, string>>("SELECT role, content, at FROM turns ORDER BY number")
      .toArray();
  }

  #belongsTo(actor: string): boolean {
    return this.#sql.exec("SELECT 1 FROM owner WHERE actor = ?", actor).toArray().length > 0;
  }
}
