import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, startExporter } from "./exporter.mjs";

async function withExporter(body) {
  const miniflare = await startExporter();
  const act = async (name) => (await miniflare.dispatchFetch(`http://exporter/do/${name}`)).json();
  const page = async (path, wish, key = KEY) => {
    const response = await miniflare.dispatchFetch(`http://exporter/exports/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}` },
      body: JSON.stringify(wish),
    });
    return { status: response.status, ...(await response.json()) };
  };
  try {
    await body({ miniflare, act, page });
  } finally {
    await miniflare.dispose();
  }
}

async function pages(page, path, limit) {
  const found = [];
  for (let after = null; found.length === 0 || after !== null; ) {
    found.push(await page(path, { after, limit }));
    after = found.at(-1).next;
  }
  return found;
}

test("an object's rows, keys and alarm come page by page, each value as it is", () =>
  withExporter(async ({ act, page }) => {
    const odd = await act("fill");
    const whole = await page(`Odd/${odd}`, { limit: 5000 });
    assert.equal(whole.next, null);
    assert.equal(whole.alarm, Date.UTC(2040, 0, 1));
    assert.deepEqual(Object.keys(whole.columns), ["empty", "hides", 'no "case', "pairs"]);
    assert.deepEqual(whole.columns.pairs, ["k", "n", "v"]);
    assert.equal(whole.schema.length, 5);
    assert.deepEqual(
      whole.lines.filter(({ table }) => table === 'no "case').map(({ values }) => values),
      [
        ["i9007199254740993", 0.1],
        ["i-9223372036854775808", "rinf"],
        [null, "r-inf"],
        ["ti1", "b00FF"],
        ["x610062", "t"],
        ["x61FF", "xEFBFBD"],
        ["t\n", "b"],
      ],
    );
    assert.deepEqual(
      whole.lines.filter(({ key }) => key),
      [
        { key: "k/1", value: { deep: [1, null, "é"] } },
        { key: "k/2", bytes: "00ff" },
        { key: "k/3", value: "text" },
      ],
    );
    for (const limit of [1, 2, 3]) {
      const found = await pages(page, `Odd/${odd}`, limit);
      assert.deepEqual(found.flatMap(({ lines }) => lines), whole.lines, `${limit}`);
      assert.deepEqual(new Set(found.map(({ counter }) => counter)), new Set([whole.counter]));
    }
  }));

test("every write moves the counter", () =>
  withExporter(async ({ act, page }) => {
    const path = `Odd/${await act("fill")}`;
    const seen = [(await page(path, { limit: 1 })).counter];
    for (const name of ["write", "put"]) {
      await act(name);
      seen.push((await page(path, { limit: 1 })).counter);
    }
    assert.equal(new Set(seen).size, 3);
  }));

test("a value that JSON does not have is named and not left out", () =>
  withExporter(async ({ act, page }) => {
    await act("put");
    const { lines } = await page(`Odd/${await act("put")}`, { limit: 10 });
    assert.deepEqual(lines, [{ key: "k/9", unsaid: "Map" }]);
  }));

test("the product's ledger exports what it holds", () =>
  withExporter(async ({ miniflare, page }) => {
    const ledgers = await miniflare.getDurableObjectNamespace("LEDGER", "booking");
    const id = ledgers.idFromName("pier-1");
    const created = new Date().toISOString();
    const hold = { id: "1", requestKey: "k", resource: "pier-1", startsAt: "2099-01-01", endsAt: "2099-01-02", createdAt: created };
    assert.equal((await ledgers.get(id).hold(hold)).outcome, "held");
    const { lines, columns } = await page(`BookingLedger/${id}`, { limit: 10 });
    assert.deepEqual(columns.slots.slice(0, 3), ["id", "request_key", "resource"]);
    assert.deepEqual(lines[0].values.slice(0, 3), ["t1", "tk", "tpier-1"]);
  }));

test("nobody exports without the key, or what is not offered", () =>
  withExporter(async ({ act, page }) => {
    const odd = await act("fill");
    for (const key of ["", "another", KEY.slice(0, -1)]) {
      assert.equal((await page(`Odd/${odd}`, { limit: 1 }, key)).status, 401);
    }
    assert.equal((await page(`Conversation/${odd}`, { limit: 1 })).code, "NO_EXPORT");
    for (const wish of [{}, { limit: 0 }, { limit: 5001 }, { limit: 1, after: 1 }, { limit: 1, after: { table: 1, last: "" } }]) {
      assert.equal((await page(`Odd/${odd}`, wish)).code, "INVALID", JSON.stringify(wish));
    }
  }));
