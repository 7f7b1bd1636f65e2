import type { AnyBulkWriteOperation, Collection } from "mongodb";
import { isAboutContent, isConflict, readInserted, readRefusedWrite } from "../driver/index.ts";
import { judge, needsOwnCommand, type Chain, type ChainOutcome } from "./chain.ts";
import { measureDocument } from "./measure-document.ts";

/**
 * Bytes of chains that share a command. A larger chain has one of its own, beside the others, so that
 * it keeps nobody waiting.
 */
const MAX_GROUP_BYTES = 1_048_576;

/** Commands with a chain of their own under way at once. */
const MAX_ALONE = 4;

/** A chain that waits for its outcome. */
interface Waiting {
  readonly chain: Chain;
  readonly bytes: number;
  readonly resolve: (outcome: ChainOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Chains that wait for a command, and how many commands are under way. */
interface Lane {
  readonly waiting: Waiting[];
  inFlight: number;
  readonly maxInFlight: number;
  readonly maxBytes: number;
}

/**
 * Carries out chains of updates of many threads with few commands, as a database does with its log:
 * a chain that comes while no command is under way is sent at once; those that come while one is go
 * together in the next one. No timer is involved.
 *
 * A command is ordered and ends at the first update that fails. That is the end of its chain only:
 * the chains before it are done, and those after it go first in the next command.
 */
export class GroupCommit {
  readonly #collection: Collection;
  readonly #shared: Lane = {
    waiting: [],
    inFlight: 0,
    maxInFlight: 1,
    maxBytes: MAX_GROUP_BYTES,
  };
  /** For chains that are too large to share a command, or that only its counts tell the end of. */
  readonly #alone: Lane = { waiting: [], inFlight: 0, maxInFlight: MAX_ALONE, maxBytes: 0 };

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  /** Carries out a chain. Failures of the server are thrown. */
  run(chain: Chain): Promise<ChainOutcome> {
    const bytes = measureDocument(chain);
    const { promise, resolve, reject } = Promise.withResolvers<ChainOutcome>();
    const lane = bytes > MAX_GROUP_BYTES || needsOwnCommand(chain) ? this.#alone : this.#shared;
    lane.waiting.push({ chain, bytes, resolve, reject });
    this.#send(lane);
    return promise;
  }

  #send(lane: Lane): void {
    while (lane.inFlight < lane.maxInFlight && lane.waiting.length > 0) {
      lane.inFlight += 1;
      void this.#carryOut(takeGroup(lane), lane);
    }
  }

  /** Never rejects: the chains hear of failures. */
  async #carryOut(group: readonly Waiting[], lane: Lane): Promise<void> {
    try {
      const operations = group.flatMap(({ chain }) => chain.map(toOperation));
      const result = await this.#collection.bulkWrite(operations, { ordered: true });
      const matched = group.length === 1 ? result.matchedCount : undefined;
      settle(group, readInserted(result), matched);
    } catch (error) {
      this.#fail(group, error);
    } finally {
      lane.inFlight -= 1;
      this.#send(lane);
    }
  }

  #fail(group: readonly Waiting[], error: unknown): void {
    const refused = readRefusedWrite(error);
    if (refused === undefined) {
      this.#failAll(group, error);
      return;
    }
    const { before, failed, after } = splitAt(group, refused.index);
    settle(before, refused.inserted);
    if (refused.isConflict) failed?.resolve({ kind: "conflict" });
    else failed?.reject(error);
    this.#shared.waiting.unshift(...after);
  }

  #failAll(group: readonly Waiting[], error: unknown): void {
    const [only] = group;
    if (group.length > 1 && isAboutContent(error)) {
      // One chain may be the reason: each is sent on its own. What was carried out already is found
      // as a conflict with itself.
      this.#alone.waiting.unshift(...group);
      this.#send(this.#alone);
    } else if (group.length === 1 && isConflict(error)) {
      only?.resolve({ kind: "conflict" });
    } else {
      for (const { reject } of group) reject(error);
    }
  }
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
  for (const { chain, resolve } of group) {
    const own = new Set<number>();
    for (let index = 0; index < chain.length; index += 1) {
      if (inserted.has(start + index)) own.add(index);
    }
    resolve(judge(chain, own, matched));
    start += chain.length;
  }
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
