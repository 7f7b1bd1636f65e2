import type { CallJournal, JournalKey } from "../journal/call-journal.ts";
import { isSoundAnswer } from "../journal/entry-hash.ts";

/** A call that was answered. */
export interface RecordedCall {
  readonly key: JournalKey;
  /** The answer as JSON. */
  readonly json: string;
}

/** The nodes around a call, without their tasks: `sub:…|inner:…` is `sub|inner`. */
export function nameNode(namespace: string): string {
  return namespace
    .split("|")
    .map((part) => part.split(":")[0])
    .join("|");
}

function countCommon(left: string, right: string): number {
  let count = 0;
  while (count < left.length && left[count] === right[count]) count += 1;
  return count;
}

/** The calls of a thread that were answered, and where a step has got to among them. */
export class RecordedCalls {
  readonly #byId = new Map<string, RecordedCall>();
  readonly #byRequest = new Map<string, RecordedCall[]>();
  readonly #byTask = new Map<string, RecordedCall[]>();
  /** The calls that the step at hand has made. */
  #used = new Set<string>();

  static async read(
    journal: Required<Pick<CallJournal, "readThread">>,
    threadId: string,
  ): Promise<RecordedCalls> {
    const calls = new RecordedCalls();
    const read: RecordedCall[] = [];
    for await (const { entry, key } of journal.readThread(threadId)) {
      const { answer } = entry;
      if (answer && isSoundAnswer(key.id, answer)) read.push({ key, json: answer.json });
    }
    // Ids of checkpoints are in the order of time.
    const inOrder = read.toSorted(
      (left, right) =>
        Number(left.key.checkpointId > right.key.checkpointId) -
          Number(left.key.checkpointId < right.key.checkpointId) ||
        left.key.ordinal - right.key.ordinal,
    );
    for (const call of inOrder) calls.#add(call);
    return calls;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** A step begins: it may make each call once. */
  beginStep(): void {
    this.#used = new Set();
  }

  /**
   * The call that asks the same. In a subgraph, checkpoints and tasks have other ids when it runs again. There it is the
   * first one of the same node that the step has not made yet.
   */
  take(key: JournalKey): RecordedCall | undefined {
    const exact = this.#byId.get(key.id);
    const call = exact && !this.#used.has(key.id) ? exact : this.#findInSubgraph(key);
    if (call) this.#used.add(call.key.id);
    return call;
  }

  /** What the same task asked at this place, whatever that was. */
  findInPlace({ ordinal, taskId }: JournalKey): RecordedCall | undefined {
    const calls = (this.#byTask.get(taskId) ?? []).filter(({ key }) => !this.#used.has(key.id));
    return calls.find(({ key }) => key.ordinal === ordinal);
  }

  #findInSubgraph(key: JournalKey): RecordedCall | undefined {
    if (!key.namespace.includes("|")) return undefined;
    const name = nameNode(key.namespace);
    const calls = (this.#byRequest.get(key.requestHash) ?? []).filter(
      ({ key: other }) => !this.#used.has(other.id) && nameNode(other.namespace) === name,
    );
    let best: RecordedCall | undefined;
    let bestCount = -1;
    for (const call of calls) {
      const count = countCommon(call.key.namespace, key.namespace);
      if (count > bestCount) [best, bestCount] = [call, count];
    }
    return best;
  }

  #add(call: RecordedCall): void {
    const { id, requestHash, taskId } = call.key;
    this.#byId.set(id, call);
    this.#byRequest.set(requestHash, [...(this.#byRequest.get(requestHash) ?? []), call]);
    this.#byTask.set(taskId, [...(this.#byTask.get(taskId) ?? []), call]);
  }
}
