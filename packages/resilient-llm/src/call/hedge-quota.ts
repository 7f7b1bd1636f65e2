/** Hedges that may be saved up in quiet times, one token each. */
const CAPACITY_TOKENS = 10;

/**
 * Token bucket that bounds how many hedges all calls together may make: one at the start, and
 * `maxRatio` more with each call. When a provider is slow for everybody, hedging everything would
 * double the load where it hurts most.
 */
export class HedgeQuota {
  readonly #maxRatio: number;
  #tokens = 1;

  /** @param maxRatio Hedges per call in the long run, 0 to 1. */
  constructor(maxRatio: number) {
    this.#maxRatio = maxRatio;
  }

  /** Books a call. */
  countCall(): void {
    this.#tokens = Math.min(CAPACITY_TOKENS, this.#tokens + this.#maxRatio);
  }

  /** Takes the token for one hedge; `false` if there is none. */
  tryTake(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** A hedge was not made after all. */
  giveBack(): void {
    this.#tokens = Math.min(CAPACITY_TOKENS, this.#tokens + 1);
  }
}
