import { withArchived } from "../archive/with-archived.ts";
import type { BatchLimits } from "../context/options.ts";
import type { SaverContext } from "../context/context.ts";
import { measureAtMost } from "../documents/manifest.ts";
import { explainRefusal } from "../driver/explain-refusal.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import { PendingCache } from "../memory/pending-cache.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { Chain } from "../store/chain.ts";
import { CollectedChains, haveInserted, joinChains } from "./collected-chains.ts";
import { carryOut, type SavingCall } from "./saving-call.ts";

/** Bytes of one command, as far as whole chains allow. */
const MAX_COMMAND_BYTES = 2 * 1_024 * 1_024;

/** A thread that expires sooner gets a new expiry first, as it does with each write. */
const MIN_LIFE_MS = 60_000;

/** Failures after which the same calls may still get through. */
const PASSING_CODES: ReadonlySet<string> = new Set(["STORAGE_UNAVAILABLE", "WRITE_CONFLICT"]);

/** A call that has returned and is not stored yet. */
interface Buffered {
  readonly call: SavingCall;
  readonly chains: readonly Chain[];
  readonly record: CheckpointRecord | undefined;
}

/**
 * The calls of one thread that have returned and are not stored yet, in their order.
 *
 * A call plans what it stores as if all before it were stored. To flush, all plans are sent as one command. If
 * another process has changed the thread, the server refuses it. Then the calls are carried out one after the other,
 * as they would have been without a buffer.
 */
export class ThreadBuffer {
  readonly #threadId: string;
  #buffered: Buffered[] = [];
  /** What is known once everything is stored; undefined while nothing is buffered. */
  #pending: PendingCache | undefined;
  /** The latest checkpoint of each namespace among the buffered ones. */
  #latest = new Map<string, CheckpointRecord>();
  #chainBytes = 0;
  #contentBytes = 0;
  /** Whether the plans hold no more, because some calls were carried out without them. */
  #isOutdated = false;
  /** Whether the last flush has failed and has kept something: the next call tries again before it is taken. */
  #hasFailed = false;
  /** Of a flush in the background that has lost something: nobody has heard of it yet. */
  #untold: { readonly error: unknown } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(threadId: string) {
    this.#threadId = threadId;
  }

  /** Bytes in memory, about. */
  get bytes(): number {
    return this.#chainBytes + this.#contentBytes;
  }

  /** Whether it holds nothing, and nobody waits for it. */
  get isIdle(): boolean {
    return this.#buffered.length === 0 && this.#waiting === 0 && this.#untold === undefined;
  }

  /** What a call of a saver is compared with; undefined if that is what is stored. */
  pendingOf(owner: string): PendingCache | undefined {
    return this.#buffered[0]?.call.owner === owner ? this.#pending : undefined;
  }

  /** Takes a call. Calls are taken in the order in which they come. */
  save(call: SavingCall, limits: BatchLimits): Promise<void> {
    return this.#inTurn(async () => {
      this.#delayMs = limits.maxDelayMs;
      this.#tell();
      if (!this.#mayFollow(call)) await this.#flush();
      const context = await call.open();
      if (call.isDecidedByServer || isOwnParent(call)) {
        await this.#flush();
        await carryOut(call, context);
        return;
      }
      if (!(await this.#take(call, context))) {
        await this.#flush();
        await carryOut(call, context);
        return;
      }
      const isFull =
        this.#countCheckpoints() >= limits.maxCheckpoints || this.bytes > limits.maxBytes;
      if (isFull || call.isUrgent) await this.#flush();
      else this.#flushLater();
    });
  }

  /**
   * Stores all that is buffered.
   *
   * @throws what keeps it from being stored, also if that was found out in the background
   */
  flush(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#flush();
      this.#tell();
    });
  }

  /**
   * Stores what is buffered, before something else is done with the thread. What was lost is told to those who write.
   *
   * @throws what keeps it from being stored, if it is kept for another attempt
   */
  flushBefore(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#flush();
      } catch (error) {
        if (this.#buffered.length > 0) throw error;
        this.#untold = { error };
      }
    });
  }

  #mayFollow(call: SavingCall): boolean {
    if (this.#buffered.length === 0) return true;
    return !this.#isOutdated && !this.#hasFailed && this.#continues(call);
  }

  /** Whether a call builds upon what is buffered, or upon nothing of it. */
  #continues({ token, owner, checkpoint }: SavingCall): boolean {
    const [first] = this.#buffered;
    if (first === undefined || first.call.token !== token || first.call.owner !== owner) {
      return false;
    }
    if (checkpoint === undefined) return true;
    const latest = this.#latest.get(checkpoint.address.checkpointNs);
    return latest === undefined || latest.address.checkpointId === checkpoint.parentCheckpointId;
  }

  /** @returns false if it does not build upon the checkpoint that it names, so that it has to be carried out */
  async #take(call: SavingCall, context: SaverContext): Promise<boolean> {
    const pending = (this.#pending ??= new PendingCache(context.cache));
    const collected = new CollectedChains();
    const store = context.store.withCommits(collected);
    let record: CheckpointRecord | undefined;
    try {
      record = await call.act({ ...context, cache: pending, store });
    } catch (error) {
      // It may have noted something already that is not so.
      if (this.#buffered.length === 0) this.#reset();
      else this.#isOutdated = true;
      throw error;
    }
    if (record !== undefined) {
      const { checkpointNs } = record.address;
      const parent = this.#latest.get(checkpointNs);
      if (parent !== undefined && !isSameHash(record.parentHash, parent.hash)) {
        // What this call has noted of it is not so.
        this.#isOutdated = true;
        return false;
      }
      this.#latest.set(checkpointNs, record);
      // Its lines are those of the checkpoint before, but for what it adds.
      this.#contentBytes = Math.max(this.#contentBytes, measureAtMost(record.manifest));
    }
    this.#chainBytes += collected.bytes;
    this.#buffered.push({ call, chains: collected.chains, record });
    return true;
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#buffered.length > 0) {
      try {
        if (!(await this.#sendAll())) await this.#carryOutEach();
      } catch (error) {
        throw this.#fail(error);
      }
    }
    this.#reset();
  }

  /** @returns false if the plans do not hold */
  async #sendAll(): Promise<boolean> {
    const [first] = this.#buffered;
    if (first === undefined || this.#isOutdated) return false;
    const context = await first.call.open();
    const { store } = context;
    const expiresAt = this.#pending?.getThread(this.#threadId)?.expiresAt;
    if (expiresAt !== undefined && expiresAt.getTime() - store.estimateTime() < MIN_LIFE_MS) {
      return false;
    }
    const chains = this.#buffered.flatMap((one) => one.chains);
    for (const group of groupChains(chains)) {
      const chain = joinChains(group);
      try {
        const outcome = await (await store.commits.submit(chain)).outcome;
        if (outcome.kind === "conflict" || !haveInserted(chain, outcome.inserted)) return false;
      } catch (error) {
        if (isPassing(error)) throw error;
        // One of the calls may be the reason.
        return false;
      }
    }
    const stored = this.#buffered;
    this.#pending?.apply(this.#threadId);
    this.#reset();
    for (const { call, record } of stored) {
      if (record !== undefined) await call.finish(context, record);
    }
    return true;
  }

  async #carryOutEach(): Promise<void> {
    this.#isOutdated = true;
    for (;;) {
      const [first] = this.#buffered;
      if (first === undefined) return;
      const { call } = first;
      // It may have gone to the archive store since the call was taken.
      await withArchived(call.open, async () => carryOut(call, await call.open()));
      this.#buffered.shift();
    }
  }

  /** Keeps what may still be stored, and drops it otherwise: the rest builds upon what was refused. */
  #fail(cause: unknown): unknown {
    const error = explainRefusal(cause, "flush of MongoDBSaver");
    const calls = this.#buffered.map(({ call }) => call);
    const isKept = isPassing(error);
    this.#hasFailed = isKept;
    // A process that ends need not wait for it.
    if (isKept) this.#flushLater().unref();
    else this.#reset();
    this.#report(calls, error, isKept);
    return error;
  }

  #report(calls: readonly SavingCall[], error: unknown, isKept: boolean): void {
    const threadId = this.#threadId;
    const checkpoints = calls.filter(({ operation }) => operation === "put").length;
    calls[0]?.report({ type: "flush-failed", threadId, checkpoints, isKept, error });
    for (const { operation, health } of calls) health.onUnsaved?.({ operation, threadId, error });
  }

  #flushLater(): NodeJS.Timeout {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#inTurn(() => this.#flush()).catch((error: unknown) => {
        if (this.#buffered.length === 0) this.#untold = { error };
      });
    }, this.#delayMs);
    return this.#timer;
  }

  #tell(): void {
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) throw untold.error;
  }

  #countCheckpoints(): number {
    return this.#buffered.filter(({ record }) => record !== undefined).length;
  }

  #reset(): void {
    this.#buffered = [];
    this.#pending = undefined;
    this.#latest = new Map();
    this.#chainBytes = 0;
    this.#contentBytes = 0;
    this.#isOutdated = false;
    this.#hasFailed = false;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#turn.then(act).finally(() => {
      this.#waiting -= 1;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** With durability "exit", LangGraph puts the checkpoint that a run began with once more, as its own child. */
function isOwnParent({ checkpoint }: SavingCall): boolean {
  return (
    checkpoint !== undefined && checkpoint.parentCheckpointId === checkpoint.address.checkpointId
  );
}

function isSameHash(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

function isPassing(error: unknown): boolean {
  return ThreadkeepError.isInstance(error) && PASSING_CODES.has(error.code);
}

function* groupChains(chains: readonly Chain[]): Generator<readonly Chain[]> {
  let group: Chain[] = [];
  let bytes = 0;
  for (const chain of chains) {
    const own = measureDocument(chain);
    if (group.length > 0 && bytes + own > MAX_COMMAND_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(chain);
    bytes += own;
  }
  if (group.length > 0) yield group;
}
