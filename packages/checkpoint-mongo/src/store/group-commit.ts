import type { AnyBulkWriteOperation, Collection } from "mongodb";
import { isAboutContent, isConflict, readInserted, readRefusedWrite } from "../driver/index.ts";
import { judge, needsOwnCommand, type Chain, type ChainOutcome } from "./chain.ts";
import { measureDocument } from "./measure-document.ts";

/**
 * Commands under way at once. With fewer, a few writers would wait for each other for nothing; with
 * more, many writers would send more commands than need be. Measured with `pnpm bench short-threads`.
 */
const MAX_IN_FLIGHT = 2;

/**
 * Bytes of chains that share a command. A larger chain has one of its own, so that it keeps nobody
 * waiting.
 */
const MAX_GROUP_BYTES = 1_048_576;

/** A chain that waits for its outcome. */
interface Waiting {
  readonly chain: Chain;
  readonly bytes: number;
  readonly isAlone: boolean;
  readonly resolve: (outcome: ChainOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Carries out chains of updates of many threads with few commands, as a database does with its log:
 * a chain that comes while there is nothing to wait for is sent at once; those that come while
 * commands are under way go together in the next one. No timer is involved.
 *
 * A command is ordered and ends at the first update that fails. That is the end of its chain only:
 * the chains before it are done, and those after it go first in the next command.
 */
export class GroupCommit {
  readonly #collection: Collection;
  readonly #waiting: Waiting[] = [];
  #inFlight = 0;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  /** Carries out a chain. Failures of the server are thrown. */
  run(chain: Chain): Promise<ChainOutcome> {
    const bytes = measureDocument(chain);
    const isAlone = bytes > MAX_GROUP_BYTES || needsOwnCommand(chain);
    const { promise, resolve, reject } = Promise.withResolvers<ChainOutcome>();
    this.#waiting.push({ chain, bytes, isAlone, resolve, reject });
    this.#send();
    return promise;
  }

  #send(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.#waiting.length > 0) {
      this.#inFlight += 1;
      void this.#carryOut(takeGroup(this.#waiting));
    }
  }

  /** Never rejects: the chains hear of failures. */
  async #carryOut(group: readonly Waiting[]): Promise<void> {
    try {
      const operations = group.flatMap(({ chain }) => chain.map(toOperation));
      const result = await this.#collection.bulkWrite(operations, { ordered: true });
      const matched = group.length === 1 ? result.matchedCount : undefined;
      settle(group, readInserted(result), matched);
    } catch (error) {
      this.#fail(group, error);
    } finally {
      this.#inFlight -= 1;
      this.#send();
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
    this.#waiting.unshift(...after);
  }

  #failAll(group: readonly Waiting[], error: unknown): void {
    const [only] = group;
    if (group.length > 1 && isAboutContent(error)) {
      // One chain may be the reason: each is sent on its own. What was carried out already is found
      // as a conflict with itself.
      this.#waiting.unshift(...group.map((waiting) => ({ ...waiting, isAlone: true })));
    } else if (group.length === 1 && isConflict(error)) {
      only?.resolve({ kind: "conflict" });
    } else {
      for (const { reject } of group) reject(error);
    }
  }
}

/** Takes the chains of the next command. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const next of waiting) {
    bytes += next.bytes;
    if (count > 0 && (next.isAlone || bytes > MAX_GROUP_BYTES)) break;
    count += 1;
    if (next.isAlone) break;
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
