import { setTimeout as sleep } from "node:timers/promises";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { SaverContext } from "../context/context.ts";
import { LeaseLostError } from "../errors/lease-lost-error.ts";
import { ThreadLeasedError } from "../errors/thread-leased-error.ts";
import { endHold, renewHold, takeHold, type HoldRequest } from "../store/thread-hold.ts";
import type { ThreadHold } from "../store/thread-record.ts";
import { refreshThread } from "../threads/prepare-thread.ts";
import { bindHeld, findHeld, runHolding, type HeldThread } from "./lease-scope.ts";
import type { ResolvedLease } from "./lease-options.ts";

/** A thread that one worker has for itself. */
export interface ThreadLease {
  /** The thread. */
  readonly threadId: string;
  /**
   * The fencing token: each later lease of the thread has a higher one. Give it to whatever else the work changes,
   * so that it can refuse a worker whose lease has ended.
   */
  readonly token: number;
  /** Aborted, with a `LeaseLostError`, when the lease is lost. Pass it to whatever takes long. */
  readonly signal: AbortSignal;
  /** A config that carries the lease, for work that is not awaited in the function that the lease was taken for. */
  bind<Config extends RunnableConfig>(config: Config): Config;
}

const RENEWALS_PER_TTL = 3;

/** A process that was paused finds its time over. It tries once more, so long. */
const LAST_RENEWAL_MS = 1_000;

/** After a renewal that failed, the next one comes so much sooner. */
const HURRY = 5;

/** A lease that was taken. */
export interface TakenLease {
  /** Does something under it, and hands it back. */
  run<T>(act: (lease: ThreadLease) => Promise<T>): Promise<T>;
}

/**
 * Takes the lease of a thread. Within the lease of the same thread, it is that one.
 *
 * @param collection in which the thread lies
 * @throws ThreadLeasedError if another worker has the lease until the time to wait is over
 */
export async function takeLease(
  context: SaverContext,
  collection: string,
  threadId: string,
  { ttlMs, waitMs, signal }: ResolvedLease,
): Promise<TakenLease> {
  const outer = findHeld({ collection, threadId });
  if (outer?.heldFor === "lease") {
    const { signal: never } = new AbortController();
    return { run: (act) => act(toLease(outer, never)) };
  }
  const taken = await take(context, threadId, { heldFor: "lease", ttlMs, waitMs, signal });
  if ("other" in taken) throw new ThreadLeasedError(threadId, new Date(taken.other.untilMs));
  const { token, heldFor } = taken.own;
  const held = { collection, threadId, token, heldFor };
  const heartbeat = new Heartbeat(context, held, ttlMs);
  return { run: (act) => runLeased(context, held, heartbeat, act) };
}

/** @throws LeaseLostError if the lease was lost before it was done */
async function runLeased<T>(
  { store }: SaverContext,
  held: HeldThread,
  heartbeat: Heartbeat,
  act: (lease: ThreadLease) => Promise<T>,
): Promise<T> {
  let result: T;
  let wasHeld = true;
  try {
    result = await runHolding(held, () => act(toLease(held, heartbeat.signal)));
  } finally {
    heartbeat.stop();
    // If it fails, the lease ends by itself.
    wasHeld = await endHold(store, held.threadId, held.token).catch(() => true);
  }
  if (!wasHeld) throw new LeaseLostError(held.threadId, held.token);
  heartbeat.signal.throwIfAborted();
  return result;
}

/**
 * Does something in a turn: no other writer comes in between. If others have theirs for too long, it does it
 * without.
 *
 * @throws ThreadLeasedError if another worker has the lease of the thread
 */
export async function takeTurn<T>(
  context: SaverContext,
  collection: string,
  threadId: string,
  act: () => Promise<T>,
): Promise<T> {
  const { store, deadline } = context;
  const request = { heldFor: "turn", ttlMs: TURN_MS, waitMs: deadline.leftMs } as const;
  const taken = await take(context, threadId, request);
  if ("other" in taken) {
    const { heldFor, untilMs } = taken.other;
    if (heldFor === "lease") throw new ThreadLeasedError(threadId, new Date(untilMs));
    return act();
  }
  const { token, heldFor } = taken.own;
  try {
    return await runHolding({ collection, threadId, token, heldFor }, act);
  } finally {
    await endHold(store, threadId, token).catch(() => undefined);
  }
}

/** Longer than it takes to read a thread, change it and put it. */
const TURN_MS = 5_000;

async function take(
  context: SaverContext,
  threadId: string,
  request: HoldRequest,
): Promise<{ readonly own: ThreadHold } | { readonly other: ThreadHold }> {
  for (;;) {
    // A thread that is new gets its record.
    await refreshThread(context, threadId);
    const taken = await takeHold(context.store, threadId, request);
    if (taken !== undefined) return taken;
    // The record was removed meanwhile, and this process remembers it.
    context.cache.forgetThread(threadId);
  }
}

function toLease(held: HeldThread, signal: AbortSignal): ThreadLease {
  const { threadId, token } = held;
  return { threadId, token, signal, bind: (config) => bindHeld(held, config) };
}

/** Renews a lease for as long as its work lasts. */
class Heartbeat {
  readonly #context: SaverContext;
  readonly #held: HeldThread;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(context: SaverContext, held: HeldThread, ttlMs: number) {
    this.#context = context;
    this.#held = held;
    this.#ttlMs = ttlMs;
    this.#noteRenewal(performance.now());
    this.#plan(ttlMs / RENEWALS_PER_TTL);
  }

  /** Aborted when the lease is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
  }

  #plan(afterMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#renew(), afterMs).unref();
  }

  async #renew(): Promise<void> {
    const { store } = this.#context;
    const { threadId, token } = this.#held;
    const begunMs = performance.now();
    try {
      if (await renewHold(store, threadId, token, this.#ttlMs)) {
        this.#noteRenewal(begunMs);
        this.#plan(this.#ttlMs / RENEWALS_PER_TTL);
      } else {
        this.#lose();
      }
    } catch {
      // The database is out of reach. The lease is lost when its time is over.
      this.#plan(this.#ttlMs / RENEWALS_PER_TTL / HURRY);
    }
  }

  /** The lease lasts for its time from when the renewal was sent, at least. */
  #noteRenewal(begunMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#deadline);
    const leftMs = begunMs + this.#ttlMs - performance.now();
    this.#deadline = setTimeout(() => this.#doubt(), Math.max(0, leftMs)).unref();
  }

  /** The time is over. If nobody else has the thread yet, a renewal still succeeds. */
  #doubt(): void {
    const { threadId, token } = this.#held;
    const begunMs = performance.now();
    const renewed = renewHold(this.#context.store, threadId, token, this.#ttlMs);
    void Promise.race([renewed, sleep(LAST_RENEWAL_MS, false, { ref: false })])
      .catch(() => false)
      .then((isRenewed) => (isRenewed ? this.#noteRenewal(begunMs) : this.#lose()));
  }

  #lose(): void {
    if (this.#isStopped) return;
    const { threadId, token } = this.#held;
    this.#lost.abort(new LeaseLostError(threadId, token));
    this.stop();
  }
}
