import { optional, parse, text } from "./input.ts";

export interface Turn {
  role: "user" | "assistant";
  content: string;
  at: string;
}

export interface ChatRequest {
  conversationId: string | undefined;
  message: string;
}

/** What came of one message. A value and no exception, because errors lose their class on the way out of an object. */
export type Said =
  | { outcome: "answered"; answer: string; cached: boolean; turns: number }
  | { outcome: "unknown" }
  | { outcome: "busy" }
  | { outcome: "full" }
  | { outcome: "failed" };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Checks a message to the assistant. Refuses with 400 and all faults. */
export function chatRequest(body: unknown): ChatRequest {
  const { conversationId, message } = parse(body, {
    conversationId: optional(text("the id of a conversation", 36, UUID), undefined),
    message: text("a text of 1 to 2000 characters", 2000, /\S/),
  });
  return { conversationId, message: message.trim() };
}
