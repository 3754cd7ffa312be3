// One stage's Miniflare: takes what the stage should be, and changes what runs only when that worked.

import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { ENTRY, entrySource } from "./entry.mjs";
import { AI, CONTROL, TRAP, aiStub, controlWorker, egressTrap } from "./internal.mjs";

const EMPTY = { workers: [], stores: { databases: [], namespaces: [], buckets: [], queues: [] }, held: [], crons: {} };
const BUNDLE = "/bundle"; // a path that exists nowhere: modules are given by content
const QUIET = 300; // ms without a change before lazily declared ones are made real: many deletions, one restart

/** The stage cannot be what was asked; the message is the runtime's own. */
export class Refusal extends Error {}

export class Stage {
  running = EMPTY;
  #runs; // Miniflare's options of what is running: going back must not depend on files that may be gone by then
  egress = [];
  held = new Map();
  #declared = null;
  #removals = new Set();
  #timer;
  #gate = new Gate();

  constructor(library, persist, secret, s3Credentials) {
    this.library = library;
    this.persist = persist;
    this.secret = secret;
    this.s3Credentials = s3Credentials;
    this.aiSource = readFileSync(new URL("ai_stub.mjs", import.meta.url), "utf8");
    this.aiRecordings = JSON.parse(readFileSync(new URL("ai_recordings.json", import.meta.url), "utf8"));
  }

  async start() {
    this.#runs = this.#options(EMPTY);
    this.miniflare = new this.library.Miniflare(this.#runs);
    this.url = await this.miniflare.ready;
    this.#runs.port = Number(this.url.port); // kept from now on, so that a stage's address survives a deployment
  }

  /** Makes `wanted` real now. Raises Refusal when it cannot run; then everything is as it was. */
  async apply(wanted, removals = []) {
    this.#note(wanted, removals);
    try {
      await this.#gate.alone(() => this.#settle());
    } catch (error) {
      for (const path of removals) this.#removals.delete(path); // what was refused removes nothing later either
      throw error;
    }
  }

  /** Makes `wanted` real soon, and in any case before the next operation. */
  declare(wanted, removals = []) {
    this.#note(wanted, removals);
    clearTimeout(this.#timer);
    // A new store nobody is bound to yet can wait for the operation that asks for it.
    if (this.#removals.size === 0 && same(wanted.workers, this.running.workers)) return;
    this.#timer = setTimeout(() => {
      this.#gate.alone(() => this.#settle()).catch((error) => console.error(error.message));
    }, QUIET);
  }

  /** Runs `operation` on a stage that is settled and does not change meanwhile. */
  async use(operation) {
    if (this.#declared !== null) await this.#gate.alone(() => this.#settle());
    return this.#gate.among(() => operation(this));
  }

  async stop() {
    clearTimeout(this.#timer);
    await this.miniflare?.dispose();
    await this.#remove();
  }

  #note(wanted, removals) {
    this.#declared = wanted;
    for (const path of removals.filter((path) => existsSync(join(this.persist, path)))) this.#removals.add(path);
  }

  async #settle() {
    const wanted = this.#declared;
    this.#declared = null;
    if (wanted === null) return;
    // workerd must let go of a file before the file may go: a store of the same name must not find the old one open.
    if (this.#removals.size === 0 && same(wanted, this.running)) return;
    const options = { ...this.#options(wanted), port: this.#runs.port };
    try {
      await this.miniflare.setOptions(options);
    } catch (error) {
      await this.miniflare.setOptions(this.#runs);
      throw new Refusal(ownWords(error));
    }
    this.#runs = options;
    this.running = wanted;
    await this.#remove();
  }

  async #remove() {
    for (const path of this.#removals) await rm(join(this.persist, path), { recursive: true, force: true });
    this.#removals.clear();
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
    const control = controlWorker(wanted, this.s3Credentials, onHeld);
    const internal = [control, egressTrap(onEgress)];
    if (wanted.workers.some(({ wrappedBindings }) => wrappedBindings)) {
      internal.push(aiStub(this.aiSource, this.aiRecordings));
    }
    return {
      host: "127.0.0.1",
      port: 0,
      cf: false, // Miniflare would fetch it from the internet
      defaultPersistRoot: this.persist,
      log: this.#log(),
      handleRuntimeStdio: (output, errors) => [output, errors].forEach((s) => s.pipe(process.stderr, { end: false })),
      workers: [...wanted.workers.map((worker) => this.#worker(worker)), ...internal],
    };
  }

  // Miniflare's own log writes to stdout, which nobody reads after the first line: once full, it would block.
  #log() {
    const { Log, LogLevel } = this.library;
    return Object.assign(new Log(LogLevel.WARN), { log: (line) => console.error(line) });
  }

  #worker({ bundle, requires, ...options }) {
    const entry = entrySource({ mainModule: bundle.main, ...requires, secret: this.secret });
    return {
      ...options,
      modulesRoot: BUNDLE,
      modules: [
        { type: "ESModule", path: `${BUNDLE}/${ENTRY}`, contents: entry },
        ...bundle.modules.map(({ name, type, file }) => ({
          type,
          path: `${BUNDLE}/${name}`,
          contents: type === "Data" || type === "CompiledWasm" ? readFileSync(file) : readFileSync(file, "utf8"),
        })),
      ],
      outboundService: { name: TRAP, props: { worker: options.name } },
    };
  }
}

export const INTERNAL = Object.freeze({ CONTROL, TRAP, AI });

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

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// Miniflare wraps what workerd printed; the person who deployed wants to read just that.
function ownWords(error) {
  const text = String(error?.message ?? error);
  const printed = text.split("Runtime stderr:\n").at(-1).trim();
  return printed.replace(/service core:user:([^\s:]+):/g, "Worker $1:").replace(/core:user:/g, "");
}
