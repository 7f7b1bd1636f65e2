/**
 * Bounds the retries that all calls together make of one candidate. Each retry takes tokens from a bucket;
 * when it is empty, calls go to the next candidate without a retry.
 */
export interface RetryQuotaOptions {
  /**
   * Tokens in a full bucket.
   *
   * @default 100
   */
  readonly capacity: number;

  /**
   * Tokens that a retry takes.
   *
   * @default 5
   */
  readonly retryCost: number;

  /**
   * Tokens that a success at the first attempt gives back.
   *
   * @default 1
   */
  readonly successRefund: number;
}

/**
 * Token bucket that bounds how many retries all calls together may make, as in the AWS SDK
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html): in a full outage
 * no more than `capacity / retryCost` retries are made, however many calls are in flight. A retry that
 * succeeds gives back what it took.
 */
export class RetryQuota {
  readonly #options: RetryQuotaOptions;
  #tokens: number;

  constructor(options: RetryQuotaOptions) {
    this.#options = options;
    this.#tokens = options.capacity;
  }

  /** Takes the tokens for one retry. `false`: there are not enough. */
  tryTake(): boolean {
    if (this.#tokens < this.#options.retryCost) return false;
    this.#tokens -= this.#options.retryCost;
    return true;
  }

  /** Books a success, made after `retries` retries on this candidate. */
  giveBack(retries: number): void {
    const refund = retries > 0 ? this.#options.retryCost : this.#options.successRefund;
    this.#tokens = Math.min(this.#options.capacity, this.#tokens + refund);
  }
}
