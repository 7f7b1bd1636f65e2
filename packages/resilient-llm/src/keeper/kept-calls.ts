import { KeptAnswer } from "./kept-answer.ts";
import type { KeeperBounds, KeptCall, Order } from "./keeper-protocol.ts";

/** The answers that a keeper holds, by the calls that they belong to. */
export class KeptCalls {
  readonly #bounds: KeeperBounds;
  /** Each in the order in which its answers were asked for. */
  readonly #calls = new Map<string, KeptAnswer[]>();
  /** Those that nobody finds any more, and somebody still reads. */
  readonly #leaving = new Set<KeptAnswer>();
  #bytes = 0;
  #numbers = 0;

  constructor(bounds: KeeperBounds) {
    this.#bounds = bounds;
  }

  /** Nothing runs, and nothing is kept. */
  get isEmpty(): boolean {
    return this.#calls.size === 0 && this.#leaving.size === 0;
  }

  /** What is kept of a call. `undefined`: nothing. */
  describe(callId: string): KeptCall | undefined {
    const first = this.#calls.get(callId)?.find(({ isUsable }) => isUsable);
    return first && { candidate: first.candidate };
  }

  /**
   * The answer that an order is about: the candidate's next one that is kept, or a new one. `undefined`: none is
   * kept and the order wants no new one, or there are as many requests as there may be.
   */
  take(
    callId: string,
    order: Order,
  ): { readonly answer: KeptAnswer; readonly isNew: boolean } | undefined {
    const { after, candidate } = order;
    const answers = this.#calls.get(callId) ?? [];
    const known = answers.find(
      (answer) => answer.candidate === candidate && answer.number > after && answer.isUsable,
    );
    if (known) {
      known.orderId = order.id;
      return { answer: known, isNew: false };
    }
    if (order.isForKept || this.#countRunning() >= this.#bounds.maxRequests) return undefined;
    this.#numbers += 1;
    const answer = new KeptAnswer(order, this.#numbers, (bytes) => {
      this.#bytes += bytes;
      if (bytes > 0) this.#makeRoom();
    });
    this.#calls.set(callId, [...answers, answer]);
    return { answer, isNew: true };
  }

  /** Drops the answers of a call, or the one that an order was given. */
  drop(callId: string, orderId?: string): void {
    for (const answer of this.#calls.get(callId) ?? []) {
      if (orderId === undefined || answer.orderId === orderId) answer.drop();
    }
    this.sweep();
  }

  /** Forgets what is of no use any more. */
  sweep(nowMs: number = performance.now()): void {
    for (const answer of this.#leaving) if (!answer.hasReaders) this.#leaving.delete(answer);
    for (const [callId, answers] of this.#calls) {
      const rest = answers.filter((answer) => {
        const { endedAtMs, hasReaders, isUsable } = answer;
        if (endedAtMs !== undefined && nowMs - endedAtMs > this.#bounds.keepMs) {
          answer.stopKeeping();
        } else if (isUsable) {
          return true;
        }
        if (hasReaders) this.#leaving.add(answer);
        return false;
      });
      if (rest.length === 0) this.#calls.delete(callId);
      else if (rest.length < answers.length) this.#calls.set(callId, rest);
    }
  }

  #countRunning(): number {
    let running = this.#leaving.size;
    for (const answers of this.#calls.values()) {
      running += answers.filter(({ endedAtMs }) => endedAtMs === undefined).length;
    }
    return running;
  }

  /** Lets go of the answer that ended first. If none has ended, of the longest. */
  #makeRoom(): void {
    if (this.#bytes <= this.#bounds.maxBytes) return;
    const kept = [...this.#calls.values()].flat().filter(({ isUsable }) => isUsable);
    const ended = kept
      .filter(({ endedAtMs, hasReaders }) => endedAtMs !== undefined && !hasReaders)
      .toSorted((left, right) => Number(left.endedAtMs) - Number(right.endedAtMs));
    const longest = kept.toSorted((left, right) => right.bytes - left.bytes)[0];
    (ended[0] ?? longest)?.stopKeeping();
  }
}
