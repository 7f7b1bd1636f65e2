import type { ChangeStream, MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { isTransient } from "../driver/transient-errors.ts";
import type { SaverAccess } from "./access-saver.ts";
import type { RunChange } from "./run-store.ts";

/** How long the server holds a look for changes open. Each is one command, and there are two a minute of an idle worker. */
const HOLD_OPEN_MS = 30_000;

/** A client with fewer connections needs them for its commands: a change stream always has one. */
const MIN_POOL_SIZE = 4;

/** Between two attempts to open a stream that broke. */
const FIRST_REOPEN_MS = 500;
const MAX_REOPEN_MS = 30_000;

/** What hears of changes. */
export interface ChangeListener {
  /** Runs have become due, or may have while the stream was broken. */
  onDue(): void;
  /** A run is to be cancelled. */
  onCancel(runId: string): void;
  /** There can be no change stream here, or it broke and is being opened again. */
  onFailure(reason: "unsupported" | "broken", error: unknown): void;
}

/**
 * Hears at once, by a change stream of the server, when another process starts, answers or cancels a run. It makes
 * workers faster and nothing else: without it they find the same runs at their next look.
 */
export class ChangeWatch {
  readonly #access: SaverAccess;
  readonly #listener: ChangeListener;
  readonly #stopped = new AbortController();
  #stream: ChangeStream | undefined;
  #loop: Promise<void> | undefined;
  #wasOpen = false;
  /** In a row. */
  #failures = 0;

  constructor(access: SaverAccess, listener: ChangeListener) {
    this.#access = access;
    this.#listener = listener;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#stream?.close().catch(() => undefined);
    await this.#loop;
  }

  async #run(): Promise<void> {
    const holdOpenMs = chooseHoldOpen(this.#access.saver["client"]);
    if (typeof holdOpenMs === "string") {
      this.#listener.onFailure("unsupported", new Error(holdOpenMs));
      return;
    }
    while (!this.#isStopped) {
      try {
        await this.#follow(holdOpenMs);
      } catch (error) {
        if (this.#isStopped) return;
        const isUnsupported = !this.#wasOpen && !isTransient(error);
        this.#listener.onFailure(isUnsupported ? "unsupported" : "broken", error);
        if (isUnsupported) return;
      }
      const boundMs = Math.min(MAX_REOPEN_MS, FIRST_REOPEN_MS * 2 ** this.#failures);
      this.#failures += 1;
      const { signal } = this.#stopped;
      const waitMs = boundMs * (0.5 + Math.random() / 2);
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      this.#listener.onDue();
    }
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Follows one stream until it ends. */
  async #follow(holdOpenMs: number): Promise<void> {
    const stream = await this.#access.reach("watching runs", ({ store }) =>
      Promise.resolve(store.watch(holdOpenMs)),
    );
    this.#stream = stream;
    try {
      for (;;) {
        if (this.#isStopped) return;
        const change = (await stream.tryNext()) as RunChange | null;
        this.#wasOpen = true;
        this.#failures = 0;
        if (change === null) continue;
        const { operationType, documentKey, updateDescription } = change;
        // The collection was dropped or renamed. The next stream begins with the next one.
        if (operationType === "invalidate") return;
        if (updateDescription?.updatedFields?.cancel === true && documentKey !== undefined) {
          this.#listener.onCancel(documentKey._id);
        } else {
          this.#listener.onDue();
        }
      }
    } finally {
      await stream.close().catch(() => undefined);
    }
  }
}

/** @returns why a client cannot have a change stream, if it cannot */
function chooseHoldOpen(client: MongoClient): number | string {
  const { maxPoolSize, socketTimeoutMS, timeoutMS } = client.options as Readonly<
    Record<string, unknown>
  >;
  if (typeof maxPoolSize === "number" && maxPoolSize > 0 && maxPoolSize < MIN_POOL_SIZE) {
    return `The client's maxPoolSize is ${maxPoolSize}: a change stream needs one of at least ${MIN_POOL_SIZE}.`;
  }
  // The driver gives up a reply that takes longer.
  const limits = [socketTimeoutMS, timeoutMS].filter(
    (limit): limit is number => typeof limit === "number" && limit > 0,
  );
  return Math.min(HOLD_OPEN_MS, ...limits.map((limit) => limit / 2));
}
