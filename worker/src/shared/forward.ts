import { VERSIONS, type Call } from "./http.ts";

// Cloudflare looks for them in each request, and hands none of them on: without them, a call to the next Worker would
// go to whatever version its share says.
const CHOOSING = ["Cloudflare-Workers-Version-Overrides", "Cloudflare-Workers-Version-Key"];

/** Asks another Worker for the sake of a call: in the versions that the caller chose, and noting which ones answered. */
export async function forward(
  call: Call<unknown>,
  service: Fetcher,
  path: string,
  { headers, ...init }: { method?: string; body?: string; headers?: Record<string, string>; signal: AbortSignal },
): Promise<Response> {
  const sent = new Headers({ ...headers, "X-Request-Id": call.requestId });
  for (const name of CHOOSING) {
    const chosen = call.request.headers.get(name);
    if (chosen !== null) sent.set(name, chosen);
  }
  const answer = await service.fetch(`https://worker.internal${path}`, { ...init, headers: sent });
  for (const version of answer.headers.get(VERSIONS)?.split(", ") ?? []) call.versions.add(version);
  return answer;
}
