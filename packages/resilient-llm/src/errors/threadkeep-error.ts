/** Registered globally, so that errors of a second copy of this package are still recognised. */
const brand = Symbol.for("@threadkeep/resilient-llm.error");

/** LangChain's own mark; its retry middleware leaves errors alone that carry `false`. */
const langchainRetryable = Symbol.for("langchain.errors.retryable");

/**
 * Base of every error this package throws.
 *
 * `code` never changes between releases; messages may. A final error is marked as not retryable for
 * LangChain: whatever could be retried has been retried before it was thrown.
 */
export class ThreadkeepError extends Error {
  override readonly name: string = "ThreadkeepError";
  /** Stable identifier, for instance `ALL_CANDIDATES_FAILED`. */
  readonly code: string;
  /** Doing the same again is of no use. */
  readonly isFinal: boolean;

  constructor(code: string, message: string, options?: { cause?: unknown; isFinal?: boolean }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.isFinal = options?.isFinal ?? true;
    Object.defineProperty(this, brand, { value: true });
    if (this.isFinal) {
      Object.defineProperty(this, langchainRetryable, { value: false, configurable: true });
    }
  }

  /**
   * Whether `value` is an error of this class, also when it comes from another copy of the package.
   *
   * Called on a subclass it checks for that subclass, by its code.
   */
  static isInstance<T extends ThreadkeepError>(
    this: abstract new (...args: never[]) => T,
    value: unknown,
  ): value is T {
    if (typeof value !== "object" || value === null || !(brand in value)) return false;
    const codes = (this as { codes?: readonly string[] }).codes;
    return codes === undefined || codes.includes((value as unknown as ThreadkeepError).code);
  }
}
