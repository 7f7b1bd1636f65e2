import type {
  AnyBulkWriteOperation,
  BulkWriteResult,
  ClientSession,
  Collection,
  MongoClient,
} from "mongodb";
import { setImmediate } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import {
  chooseDelay,
  isAbandoned,
  limitTime,
  reconnect,
  Trial,
  type RetryLimits,
} from "../driver/retry-policy.ts";
import {
  isAboutContent,
  isConflict,
  readInserted,
  readRefusedWrite,
} from "../driver/bulk-errors.ts";
import { isTransient } from "../driver/transient-errors.ts";
import { WriteSession } from "../driver/write-session.ts";
import {
  judge,
  needsOwnCommand,
  type Chain,
  type ChainConflict,
  type ChainOutcome,
} from "./chain.ts";
import { measureDocument } from "../driver/measure-document.ts";

/**
 * Bytes of chains that share a command. A larger chain has a command of its own beside the others, so
 * that nobody waits for it.
 */
const MAX_GROUP_BYTES = 1_048_576;

/** At most this many commands with a chain of their own are under way at once. */
const MAX_ALONE = 4;

/** A chain that was handed over. Others may be sent to come after it. */
export interface Submission {
  readonly outcome: Promise<ChainOutcome>;
}

/** A chain that waits for its outcome. */
interface Waiting extends Submission {
  readonly chain: Chain;
  readonly bytes: number;
  /** What must have been carried out, or have failed for good, before it. */
  readonly after: readonly Submission[];
  readonly trial: Trial;
  /** Of one that has been sent on its own. */
  ownSession: WriteSession | undefined;
  readonly resolve: (outcome: ChainOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Chains that wait for a command, and how many commands are under way. */
interface Lane {
  readonly waiting: Waiting[];
  inFlight: number;
  /** Commands in a row that did not get through. Until the wait after the last one is over, none is sent. */
  failures: number;
  isPaused: boolean;
  readonly maxInFlight: number;
  readonly maxBytes: number;
}

/** Takes chains for one saver. */
export interface CommitQueue {
  submit(chain: Chain, after?: readonly Submission[]): Promise<Submission>;
}

/**
 * Carries out chains of updates of many threads with few commands, as a database does with its log:
 * what comes while no command is under way is sent at the end of this turn of the event loop; what
 * comes while one is goes together in the next one. No timer is involved.
 *
 * A command is ordered and ends at the first update that fails. That is the end of its chain only:
 * the chains before it are done, and those after it go first in the next command.
 *
 * A command that does not get through is repeated after a random wait, with what has come meanwhile. If
 * it was carried out and only its reply was lost, the repetition does no harm: an append or a
 * checkpoint meets a conflict, and its sender then finds it stored; everything else changes nothing.
 */
export class GroupCommit {
  readonly #collection: Collection;
  readonly #shared: Lane = {
    waiting: [],
    inFlight: 0,
    failures: 0,
    isPaused: false,
    maxInFlight: 1,
    maxBytes: MAX_GROUP_BYTES,
  };
  /** For chains that are too large to share a command, or that need the counts of their own. */
  readonly #alone: Lane = {
    waiting: [],
    inFlight: 0,
    failures: 0,
    isPaused: false,
    maxInFlight: MAX_ALONE,
    maxBytes: 0,
  };
  /** Chains that wait for a shared command or are in one. These keep their order. */
  readonly #inOrder = new Set<Submission>();

  readonly #client: MongoClient;
  readonly #sharedSession: WriteSession;

  /** @param collection whose commands are tried once */
  constructor(collection: Collection, client: MongoClient) {
    this.#collection = collection;
    this.#client = client;
    this.#sharedSession = new WriteSession(collection, client);
  }

  /** The queue as one saver sees it: the limits of its retries are its own. */
  withLimits(limits: RetryLimits): CommitQueue {
    return { submit: (chain, after) => this.submit(chain, limits, after) };
  }

  /**
   * Takes a chain, to be carried out. If the server fails, its outcome rejects.
   *
   * @param limits how long it is tried for, from now on
   * @param after chains that must come before it. If one of them meets a conflict, so that it has to be
   *   repeated, that is a conflict of this one too; one that fails otherwise does not count
   */
  async submit(
    chain: Chain,
    limits: RetryLimits,
    after: readonly Submission[] = [],
  ): Promise<Submission> {
    const bytes = measureDocument(chain);
    const isAlone = bytes > MAX_GROUP_BYTES || needsOwnCommand(chain);
    const others = isAlone ? after : after.filter((earlier) => !this.#inOrder.has(earlier));
    if (others.length > 0 && (await haveConflict(others))) return CONFLICT;
    const { promise: outcome, resolve, reject } = Promise.withResolvers<ChainOutcome>();
    const lane = isAlone ? this.#alone : this.#shared;
    const trial = new Trial(limits);
    const ownSession = undefined;
    const waiting: Waiting = { chain, bytes, after, trial, ownSession, outcome, resolve, reject };
    if (!isAlone) this.#keepInOrder(waiting);
    lane.waiting.push(waiting);
    // At the end of this turn of the event loop: a task's writes and the checkpoint of the next step
    // come in one turn.
    setImmediate(() => this.#send(lane));
    return waiting;
  }

  #keepInOrder(submission: Submission): void {
    this.#inOrder.add(submission);
    const end = () => void this.#inOrder.delete(submission);
    submission.outcome.then(end, end);
  }

  #send(lane: Lane): void {
    while (!lane.isPaused && lane.inFlight < lane.maxInFlight && lane.waiting.length > 0) {
      lane.inFlight += 1;
      void this.#carryOut(takeGroup(lane), lane);
    }
  }

  /** Never rejects: the chains hear of failures. */
  async #carryOut(group: readonly Waiting[], lane: Lane): Promise<void> {
    const session = lane === this.#shared ? this.#sharedSession : this.#openOwnSession(group[0]!);
    try {
      const result = await this.#attempt(group, session);
      const matched = group.length === 1 ? result.matchedCount : undefined;
      lane.failures = 0;
      settle(group, readInserted(result), matched);
    } catch (error) {
      if (isAbandoned(error)) session.leave();
      this.#fail(group, lane, error);
    } finally {
      lane.inFlight -= 1;
      this.#send(lane);
    }
  }

  /** Commands of one session follow each other, so those that are under way at once have their own. */
  #openOwnSession(alone: Waiting): WriteSession {
    if (alone.ownSession !== undefined) return alone.ownSession;
    const session = new WriteSession(this.#collection, this.#client);
    const end = (): void => void session.end();
    alone.outcome.then(end, end);
    return (alone.ownSession = session);
  }

  async #attempt(group: readonly Waiting[], writeSession: WriteSession): Promise<BulkWriteResult> {
    const operations = group.flatMap(({ chain }) => chain.map(toOperation));
    const socketTimeoutMS = Math.min(...group.map(({ trial }) => trial.operationTimeoutMs));
    const limitMs = Math.max(...group.map(({ trial }) => trial.limitAttempt()));
    const attempt = (session: ClientSession): Promise<BulkWriteResult> => {
      const options = { ordered: true, session, socketTimeoutMS };
      return this.#collection.bulkWrite(operations, options);
    };
    return limitTime(() => writeSession.run(attempt), limitMs);
  }

  #fail(group: readonly Waiting[], lane: Lane, error: unknown): void {
    const refused = readRefusedWrite(error);
    if (refused === undefined) {
      if (isTransient(error)) this.#retryLater(group, lane, error);
      else this.#failAll(group, error);
      return;
    }
    const { before, failed, after } = splitAt(group, refused.index);
    settle(before, refused.inserted);
    this.#shared.waiting.unshift(...after);
    if (failed === undefined) return;
    const start = before.reduce((sum, { chain }) => sum + chain.length, 0);
    const isUnbegun = refused.index === start;
    if (refused.isConflict) {
      this.#refuse(failed, { inserted: takeOwn(failed, refused.inserted, start), isUnbegun });
    } else if (isTransient(error)) this.#retryLater([failed], lane, error);
    else failed.reject(error);
  }

  /** Sends chains again after a while, before all others, unless their time is up. */
  #retryLater(group: readonly Waiting[], lane: Lane, error: unknown): void {
    const name = `bulkWrite on ${this.#collection.namespace}`;
    const left = group.filter(({ trial, reject }) => {
      try {
        trial.countFailure(name, error);
        return true;
      } catch (unavailable) {
        reject(unavailable);
        return false;
      }
    });
    lane.waiting.unshift(...left);
    lane.failures += 1;
    if (!lane.isPaused) void this.#pause(lane, error);
  }

  async #pause(lane: Lane, error: unknown): Promise<void> {
    lane.isPaused = true;
    await sleep(chooseDelay(lane.failures));
    await reconnect(this.#client, error);
    lane.isPaused = false;
    this.#send(lane);
  }

  #failAll(group: readonly Waiting[], error: unknown): void {
    const [only] = group;
    if (group.length > 1 && isAboutContent(error)) {
      // One chain may be the reason: each is sent on its own. What was carried out already is found
      // as a conflict with itself, and so is what has to keep an order.
      const [free, bound] = splitBy(group, ({ after }) => !after.some((one) => isIn(group, one)));
      for (const { resolve } of bound) resolve(REFUSED);
      this.#alone.waiting.unshift(...free);
      this.#send(this.#alone);
    } else if (only !== undefined && group.length === 1 && isConflict(error)) {
      this.#refuse(only);
    } else {
      for (const { reject } of group) reject(error);
    }
  }

  /** Ends a chain, and those that were to come after it, by a conflict. */
  #refuse(failed: Waiting, how: Partial<ChainConflict> = {}): void {
    const { waiting } = this.#shared;
    const [kept, bound] = splitBy(waiting, ({ after }) => !after.includes(failed));
    waiting.splice(0, waiting.length, ...kept);
    failed.resolve({ ...REFUSED, ...how });
    for (const { resolve } of bound) resolve(REFUSED);
  }
}

export const REFUSED: ChainConflict = { kind: "conflict", inserted: new Set(), isUnbegun: false };
const CONFLICT: Submission = { outcome: Promise.resolve(REFUSED) };

async function haveConflict(submissions: readonly Submission[]): Promise<boolean> {
  const outcomes = await Promise.allSettled(submissions.map(({ outcome }) => outcome));
  return outcomes.some(
    (outcome) => outcome.status === "fulfilled" && outcome.value.kind === "conflict",
  );
}

function isIn(group: readonly Waiting[], submission: Submission): boolean {
  return group.some((waiting) => waiting === submission);
}

function splitBy<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** Takes the chains of the next command. */
function takeGroup({ waiting, maxBytes }: Lane): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const next of waiting) {
    bytes += next.bytes;
    if (count > 0 && bytes > maxBytes) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

function toOperation({ filter, update, upsert = false }: Chain[number]): AnyBulkWriteOperation {
  return { updateOne: { filter, update, upsert } };
}

/** Tells chains that were carried out how they ended. */
function settle(group: readonly Waiting[], inserted: ReadonlySet<number>, matched?: number): void {
  let start = 0;
  for (const waiting of group) {
    const { chain, resolve } = waiting;
    resolve(judge(chain, takeOwn(waiting, inserted, start), matched));
    start += chain.length;
  }
}

/** Those of a command's inserted documents that belong to a chain, by their positions in it. */
function takeOwn(
  { chain }: Pick<Waiting, "chain">,
  inserted: ReadonlySet<number>,
  start: number,
): ReadonlySet<number> {
  const own = new Set<number>();
  for (let index = 0; index < chain.length; index += 1) {
    if (inserted.has(start + index)) own.add(index);
  }
  return own;
}

/** The chains before the one that an update belongs to, that one, and those after it. */
function splitAt(
  group: readonly Waiting[],
  index: number,
): {
  readonly before: readonly Waiting[];
  readonly failed: Waiting | undefined;
  readonly after: readonly Waiting[];
} {
  let position = 0;
  let end = group[0]?.chain.length ?? 0;
  while (position < group.length && end <= index) {
    position += 1;
    end += group[position]?.chain.length ?? 0;
  }
  return {
    before: group.slice(0, position),
    failed: group[position],
    after: group.slice(position + 1),
  };
}
