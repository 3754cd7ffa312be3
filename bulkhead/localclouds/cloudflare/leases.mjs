// Messages that a client pulls over HTTP: each is lent for a while, and comes back unless it is acknowledged.
//
// Source: Queues documentation, "Pull consumers". They are those that the stage holds because no Worker consumes them.

import { randomBytes } from "node:crypto";

/**
 * Lends up to `most` messages of a queue for `visibility` ms. What was delivered `attempts` times goes to the queue
 * `deadLetter`, or nowhere; `send` sends it there. Returns the messages, each with its lease, and how many are left.
 */
export async function pull(stage, { store, most, visibility, attempts, deadLetter }, send) {
  const now = Date.now();
  const held = stage.held.get(store) ?? [];
  const spent = held.filter((message) => isVisible(message, now) && message.attempts >= attempts);
  const left = held.filter((message) => !spent.includes(message));
  keep(stage, store, left);
  if (spent.length > 0 && stage.running.stores.queues.includes(deadLetter)) await send(deadLetter, spent);
  const lent = left.filter((message) => isVisible(message, now)).slice(0, most);
  for (const message of lent) {
    const lease = randomBytes(24).toString("base64url");
    message.attempts = (message.attempts ?? 0) + 1;
    message.visibleAt = now + visibility;
    message.leases = [...(message.leases ?? []), lease];
  }
  const messages = lent.map(({ id, at, body, contentType, attempts, leases }) => {
    return { id, at, body, contentType, attempts, lease: leases.at(-1) };
  });
  return { messages, backlog: left.length };
}

/** Ends leases, late ones too: `acks` for good, `retries` (lease and delay in ms) until then. Returns what it knew. */
export function settle(stage, { store, acks, retries }) {
  const held = stage.held.get(store) ?? [];
  const holder = (lease) => held.find(({ leases }) => leases?.includes(lease));
  const done = new Set(acks.map(holder).filter((message) => message !== undefined));
  const again = retries.filter(({ lease }) => holder(lease) !== undefined && !done.has(holder(lease)));
  for (const { lease, delay } of again) holder(lease).visibleAt = Date.now() + delay;
  keep(stage, store, held.filter((message) => !done.has(message)));
  const unknown = [...acks, ...retries.map(({ lease }) => lease)].filter((lease) => holder(lease) === undefined);
  return { acknowledged: done.size, retried: again.length, unknown };
}

function isVisible({ visibleAt }, now) {
  return (visibleAt ?? 0) <= now;
}

function keep(stage, store, messages) {
  if (messages.length > 0) stage.held.set(store, messages);
  else stage.held.delete(store);
}
