// Counts of what happened, in the words of Cloudflare's analytics: those that are alike within a second are one row.

export const COUNTS_PATH = "/__rehearsal/counts";

export class Tally {
  #rows = new Map();

  /** Counts one event; `at` is in ms, `sums` are added up, and of `samples` each value is kept. */
  add(dataset, at, dimensions, sums, samples) {
    const values = Object.entries(samples).map(([measure, value]) => [measure, [[value, 1]]]);
    this.merge({ dataset, at: Math.floor(at / 1000), dimensions, count: 1, sums, samples: Object.fromEntries(values) });
  }

  /** Adds a row, such as another tally has handed over. */
  merge({ dataset, at, dimensions, count, sums, samples }) {
    const key = JSON.stringify([dataset, at, dimensions]);
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, (row = { dataset, at, dimensions, count: 0, sums: {}, samples: {} }));
    row.count += count;
    for (const [name, value] of Object.entries(sums)) row.sums[name] = (row.sums[name] ?? 0) + value;
    for (const [measure, values] of Object.entries(samples)) {
      const seen = (row.samples[measure] ??= new Map());
      for (const [value, times] of values) seen.set(value, (seen.get(value) ?? 0) + times);
    }
  }

  /** The rows, as plain JSON. */
  rows(wanted = () => true) {
    return [...this.#rows.values()].filter(wanted).map((row) => {
      const samples = Object.entries(row.samples).map(([measure, seen]) => [measure, [...seen]]);
      return { ...row, samples: Object.fromEntries(samples) };
    });
  }

  /** The rows, which begin anew. */
  take() {
    const rows = this.rows();
    this.#rows.clear();
    return rows;
  }
}

/** Whether a Worker of the rehearsal's own is asked for its counts by the host. */
export function wantsCounts(request, secret) {
  return request.headers.get("x-rehearsal-secret") === secret && new URL(request.url).pathname === COUNTS_PATH;
}
