// A Worker of the rehearsal's own, bound to every store of a stage; no Worker of the stage can call it.
//
// Miniflare could hand the same bindings to Node, but its bridge takes several round trips for each call.

const OPERATIONS = {
  // Every query in one transaction. The binding's own methods either leave out the columns' order or the counts.
  d1_run: (database, { queries }) => askDatabase(database, queries),
  async d1_export(database, { noSchema, noData, tables }) {
    const params = [Number(noSchema), Number(noData), ...tables];
    const { error, results } = await askDatabase(database, [{ sql: "PRAGMA miniflare_d1_export(?,?,?);", params }]);
    return error === undefined ? results[0] : { error };
  },

  kv_list: (namespace, { prefix }) => everyPage((cursor) => namespace.list({ prefix, cursor }), "keys"),
  kv_get: (namespace, { key }) => namespace.get(key),
  kv_put: (namespace, { key, value, seconds }) =>
    namespace.put(key, value, seconds === null ? {} : { expirationTtl: seconds }),
  async kv_page(namespace, { prefix, limit, cursor }) {
    const page = await namespace.list({ prefix, limit, cursor: cursor ?? undefined });
    return { keys: page.keys, cursor: page.list_complete ? null : page.cursor };
  },
  async kv_read(namespace, { key }) {
    const { value, metadata } = await namespace.getWithMetadata(key, "arrayBuffer");
    if (value === null) return null;
    // Only a list tells when a key expires.
    const { keys } = await namespace.list({ prefix: key, limit: 1 });
    return { value: inBase64(value), metadata, expiration: keys[0]?.expiration ?? null };
  },
  async kv_write(namespace, { pairs }) {
    for (const { key, value, options } of pairs) await namespace.put(key, Buffer.from(value, "base64"), options);
  },
  async kv_remove(namespace, { keys }) {
    for (const key of keys) await namespace.delete(key);
  },

  async r2_list(bucket, { prefix }) {
    const objects = await everyPage((cursor) => bucket.list({ prefix, cursor }), "objects");
    return objects.map(({ key, size, etag, uploaded }) => ({ key, size, etag, uploaded }));
  },
  r2_is_empty: async (bucket) => (await bucket.list({ limit: 1 })).objects.length === 0,
  async r2_get(bucket, { key }) {
    const object = await bucket.get(key);
    return object === null ? null : Buffer.from(await object.arrayBuffer()).toString("base64");
  },
  async r2_put(bucket, { key, value }) {
    await bucket.put(key, Buffer.from(value, "base64"));
  },
  r2_delete: (bucket, { key }) => bucket.delete(key),
  async r2_page(bucket, { options }) {
    const wanted = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
    const page = await bucket.list({ ...wanted, include: ["httpMetadata", "customMetadata"] });
    return { objects: page.objects.map(told), prefixes: page.delimitedPrefixes, cursor: page.cursor ?? null };
  },
  async r2_read(bucket, { key }) {
    const object = await bucket.get(key);
    return object === null ? null : { value: inBase64(await object.arrayBuffer()), object: told(object) };
  },
  r2_write: async (bucket, { key, value, options }) => told(await bucket.put(key, Buffer.from(value, "base64"), options)),

  async queue_send(queue, { messages }) {
    await queue.sendBatch(messages.map((body) => ({ body })));
  },
  async queue_push(queue, { messages }) {
    await queue.sendBatch(
      messages.map(({ body, contentType, delaySeconds }) => ({
        body: contentType === "bytes" ? Buffer.from(body, "base64") : body,
        contentType,
        delaySeconds,
      })),
    );
  },
  async queue_metrics(queue) {
    const { backlogCount, backlogBytes, oldestMessageTimestamp } = await queue.metrics();
    return { backlogCount, backlogBytes, oldest: Number(new Date(oldestMessageTimestamp ?? 0)) };
  },
};

export default {
  async fetch(request, env) {
    if (request.headers.get("x-rehearsal-secret") !== env.SECRET) {
      return new Response(null, { status: 404 });
    }
    const { operation, binding, ...given } = await request.json();
    try {
      return Response.json((await OPERATIONS[operation](env[binding], given)) ?? null);
    } catch (error) {
      return Response.json({ error: error.message }, { status: 500 });
    }
  },

  /** Keeps the messages of the queues that nobody consumes. */
  async queue({ queue, messages }, env) {
    const kept = messages.map(({ id, timestamp, body }) => {
      const bytes = ArrayBuffer.isView(body) || body instanceof ArrayBuffer;
      return { id, at: timestamp.getTime(), body: bytes ? inBase64(body) : body, contentType: bytes ? "bytes" : "json" };
    });
    await env.HOST.fetch("http://host/", { method: "POST", body: JSON.stringify([queue, kept]) });
  },
};

async function askDatabase(database, queries) {
  const url = "http://d1/query?resultsFormat=ROWS_AND_COLUMNS";
  const response = await database.fetcher.fetch(url, { method: "POST", body: JSON.stringify(queries) });
  if (response.ok) return response.json();
  const [first] = (await response.text()).split("\n"); // what Miniflare throws instead of answering has a stack
  return { error: first.replace(/^Error: /, "") };
}

function inBase64(buffer) {
  return Buffer.from(buffer).toString("base64");
}

function told({ key, size, etag, version, uploaded, httpMetadata, customMetadata }) {
  return { key, size, etag, version, uploaded, httpMetadata, customMetadata };
}

async function everyPage(list, member) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor);
    found.push(...page[member]);
    cursor = page.list_complete || page.truncated === false ? undefined : page.cursor;
  } while (cursor !== undefined);
  return found;
}
