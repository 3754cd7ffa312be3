// Reads its own sessions, and then answers from a namespace that only another Worker is granted.
import type { Env } from "./env.d.ts";

export default {
  async fetch(request, env): Promise<Response> {
    const session = await env.SESSIONS.get(new URL(request.url).pathname);
    return new Response(session ?? (await borrowed(env)));
  },
} satisfies ExportedHandler<Env>;

function borrowed({ ANSWERS: cache }: Env): Promise<string | null> {
  return cache.get("anything");
}
