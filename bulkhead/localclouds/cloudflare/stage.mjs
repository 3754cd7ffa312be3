// One stage's Miniflare: takes what the stage should be, and changes what runs only when that worked.

import { existsSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { serveApart } from "./assets.mjs";
import { SECRET_HEADER } from "./entry.mjs";
import { limitDatabases } from "./databases.mjs";
import { doorWorker } from "./door.mjs";
import { openFront } from "./front.mjs";
import { divide } from "./gate.mjs";
import { CONTROL, COUNTER, EDGE, aiStub, bindingOf, controlWorker, counterWorker } from "./internal.mjs";
import { edgeWorker, egressTrap } from "./internal.mjs";
import { originOf, routerWorker } from "./router.mjs";
import { COUNTS_PATH, Tally } from "./tally.mjs";
import { codesOf, optionsOf } from "./workers.mjs";

const EMPTY = {
  workers: [],
  stores: { databases: [], namespaces: [], buckets: [], queues: [] },
  held: [],
  crons: {},
  shares: {},
  routes: [],
  doors: {},
};
const BATCH = 100; // messages that are sent to a queue at once
const PATIENCE = 2000; // ms for a workerd to tell what it has counted, before it ends
const QUIET = 300; // ms without a change before lazily declared ones are made real: many deletions, one restart

/** The stage cannot be what was asked; the message is the runtime's own. */
export class Refusal extends Error {}

export class Stage {
  running = EMPTY;
  egress = [];
  held = new Map(); // queue name -> messages that nobody consumes
  #workerd; // where it listens until the next change
  #runs; // Miniflare's options of what is running: going back must not depend on files that may be gone by then
  #declared = null;
  #leftovers = new Set(); // files of stores that are gone, which workerd may still have open
  #timer;
  #tally = new Tally();
  #gate = new Gate();

  constructor(library, persist, secret, s3Credentials) {
    serveApart(library);
    limitDatabases(library);
    this.library = library;
    this.persist = persist;
    this.secret = secret;
    this.s3Credentials = s3Credentials;
  }

  async start() {
    this.#runs = this.#options(EMPTY);
    this.miniflare = new this.library.Miniflare(this.#runs);
    this.#workerd = await this.miniflare.ready;
    this.url = await openFront(() => this.use(() => this.#workerd)); // a visitor waits until a change is through
  }

  /** Makes `wanted` real now. Raises Refusal when it cannot run; then everything is as it was. */
  apply(wanted, removals) {
    this.#declared = null; // what was declared before is older than this
    return this.#gate.alone(() => this.#make(wanted, removals));
  }

  /** Makes `wanted` real soon, and in any case before the next operation. */
  declare(wanted, removals) {
    this.#declared = wanted;
    for (const path of this.#existing(removals)) this.#leftovers.add(path);
    clearTimeout(this.#timer);
    // A new store nobody is bound to yet can wait for the operation that asks for it.
    if (this.#leftovers.size === 0 && same(wanted.workers, this.running.workers)) return;
    this.#timer = setTimeout(() => this.#apply().catch((error) => console.error(error.message)), QUIET);
  }

  /** Runs `operation` on a stage that runs all that was declared, and does not change meanwhile. */
  async use(operation) {
    if (this.#declared !== null) await this.#apply();
    return this.#gate.among(() => operation(this));
  }

  /** Puts a copy of `file` in the place of a store's files, of which the first is the one that counts. */
  replace({ paths: [path, ...others], file }) {
    return this.#gate.alone(async () => {
      await this.#run(this.#options(EMPTY)); // nobody may have it open, not even an alarm that goes off at the start
      try {
        await copyFile(file, join(this.persist, path));
        await Promise.all(others.map((other) => rm(join(this.persist, other), { force: true })));
      } finally {
        await this.#run(this.#runs);
      }
    });
  }

  /** What happened from the second `first` to the second `last`, as rows of a dataset. */
  async counted({ dataset, first, last }) {
    await this.#collect();
    const rows = this.#tally.rows((row) => row.dataset === dataset && row.at >= first && row.at <= last);
    return rows.map(({ dataset: _known, ...row }) => row);
  }

  async stop() {
    clearTimeout(this.#timer);
    await this.miniflare?.dispose();
    await this.#remove(this.#leftovers);
  }

  #apply() {
    return this.#gate.alone(async () => {
      const wanted = this.#declared;
      this.#declared = null;
      if (wanted !== null) await this.#make(wanted, []);
    });
  }

  async #make(wanted, removals) {
    const leftovers = new Set([...this.#leftovers, ...this.#existing(removals)]);
    // A file must be let go of before it may go, or a new store of the same name would find the old one open.
    if (leftovers.size === 0 && same(lasting(wanted), lasting(this.running))) {
      if (!same(wanted.shares, this.running.shares)) await this.#divide(wanted);
      this.running = wanted;
      return;
    }
    const options = this.#options(wanted);
    try {
      await this.#run(options);
    } catch (error) {
      await this.#run(this.#runs);
      throw new Refusal(ownWords(error));
    }
    this.#runs = options;
    this.running = wanted;
    await this.#remove(leftovers);
    await this.#release();
  }

  async #divide(wanted) {
    this.#runs = this.#options(wanted);
    for (const [worker, shares] of Object.entries(wanted.shares)) {
      await divide(await this.miniflare.getWorker(worker), shares, this.secret);
    }
  }

  // What waited for a consumer, or for the end of a pause, is delivered once there is one.
  async #release() {
    for (const [queue, messages] of this.held) {
      if (this.running.held.includes(queue)) continue;
      this.held.delete(queue);
      if (!this.running.stores.queues.includes(queue)) continue;
      const control = await this.miniflare.getWorker(CONTROL);
      for (let first = 0; first < messages.length; first += BATCH) {
        const batch = messages.slice(first, first + BATCH);
        const body = JSON.stringify({ operation: "queue_push", binding: bindingOf("queue", queue), messages: batch });
        const headers = { [SECRET_HEADER]: this.secret };
        const response = await control.fetch("http://control/", { method: "POST", headers, body });
        if (!response.ok) console.error(`${queue}: ${await response.text()}`);
      }
    }
  }

  async #collect() {
    const headers = { [SECRET_HEADER]: this.secret };
    for (const name of [COUNTER, EDGE]) {
      const worker = await this.miniflare.getWorker(name);
      for (const row of await (await worker.fetch(`http://rehearsal${COUNTS_PATH}`, { headers })).json()) {
        this.#tally.merge(row);
      }
    }
  }

  async #run(options) {
    // What this workerd has counted ends with it; one that does not answer any more must not hold up its successor.
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE).unref());
    if (this.running.workers.length > 0) await Promise.race([this.#collect(), late]).catch(() => {});
    await this.miniflare.setOptions(options);
    this.#workerd = await this.miniflare.ready;
  }

  #existing(paths) {
    return paths.filter((path) => existsSync(join(this.persist, path)));
  }

  async #remove(paths) {
    for (const path of paths) {
      await rm(join(this.persist, path), { recursive: true, force: true });
      this.#leftovers.delete(path);
    }
  }

  #options(wanted) {
    const { Response } = this.library;
    const onEgress = async (request) => {
      const attempt = await request.json();
      this.egress.push({ ...attempt, at: new Date().toISOString() });
      return new Response(`A rehearsal reaches nothing outside: ${attempt.url}\n`, { status: 502 });
    };
    const onHeld = async (request) => {
      const [queue, messages] = await request.json();
      this.held.set(queue, [...(this.held.get(queue) ?? []), ...messages]);
      return new Response(null, { status: 204 });
    };
    const { secret, s3Credentials } = this;
    const internal = [
      controlWorker(wanted, { secret, s3Credentials, onHeld }),
      counterWorker({ secret }),
      egressTrap(onEgress),
    ];
    if (wanted.workers.flatMap(codesOf).some(({ wrappedBindings }) => wrappedBindings)) internal.push(aiStub());
    const routed = new Set(wanted.routes.map(({ worker }) => worker));
    const workers = wanted.workers.flatMap((worker) => optionsOf(worker, wanted.shares, secret, routed));
    const origins = wanted.workers.filter(({ name }) => routed.has(name)).map((one) => originOf(one, wanted.workers));
    const router = routerWorker(wanted);
    const door = doorWorker(wanted.workers, wanted.doors, router);
    return {
      host: "127.0.0.1", // no port: with 0, Miniflare would want the former one again, which others may have by then
      cf: false, // Miniflare would fetch it from the internet
      defaultPersistRoot: this.persist,
      log: this.#log(),
      handleRuntimeStdio: (output, errors) => [output, errors].forEach((s) => s.pipe(process.stderr, { end: false })),
      workers: [
        edgeWorker(wanted, door, router, { secret }), // the first one is the one that answers
        ...[door, router].filter((each) => each !== undefined),
        ...workers,
        ...origins,
        ...internal,
      ],
    };
  }

  // Miniflare's own log writes to stdout, which nobody reads after the first line: once full, it would block.
  #log() {
    const { Log, LogLevel } = this.library;
    return Object.assign(new Log(LogLevel.WARN), { log: (line) => console.error(line) });
  }
}

/** Lets operations run side by side, and a change only when none of them runs. */
class Gate {
  #inside = 0;
  #empty = Promise.resolve();
  #open = () => {};
  #changes = Promise.resolve();

  async among(operation) {
    let before;
    do await (before = this.#changes);
    while (before !== this.#changes);
    if (this.#inside++ === 0) this.#empty = new Promise((resolve) => (this.#open = resolve));
    try {
      return await operation();
    } finally {
      if (--this.#inside === 0) this.#open();
    }
  }

  alone(change) {
    const turn = this.#changes.then(() => this.#empty).then(change);
    this.#changes = turn.catch(() => {});
    return turn;
  }
}

// What cannot change without a new workerd: crons are not its business, and a gate is told of new shares.
function lasting(wanted) {
  return { ...wanted, crons: {}, shares: {} };
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// Miniflare wraps what workerd printed; the person who deployed wants to read just that.
function ownWords(error) {
  const text = String(error?.message ?? error);
  const printed = text.split("Runtime stderr:\n").at(-1).trim();
  return printed.replace(/service core:user:([^\s:]+):/g, "Worker $1:").replace(/core:user:/g, "");
}
