/** Registered globally, so that errors of another copy of a package are recognised too. */
const BRAND = Symbol.for("threadkeep.error");

/** LangChain's own mark: its retry middleware leaves errors alone that carry `false`. */
const LANGCHAIN_RETRYABLE = Symbol.for("langchain.errors.retryable");

/**
 * The stable identifiers of everything that Threadkeep's packages throw on purpose. A code never
 * changes its meaning; messages may change. Newer versions may add codes.
 */
export type ThreadkeepErrorCode =
  // Both packages
  | "INVALID_OPTIONS"
  | "UNSUPPORTED_NODE"
  // @threadkeep/checkpoint-mongo
  | "CHECKPOINT_NOT_FOUND"
  | "CHECKPOINT_TOO_LARGE"
  | "CLASS_NOT_ALLOWED"
  | "CONCURRENT_UPDATE"
  | "CORRUPT_CHECKPOINT"
  | "CORRUPT_ITEM"
  | "CORRUPT_RUN"
  | "ENCRYPTION_KEY"
  | "INTEGRITY_KEY"
  | "INVALID_ADDRESS"
  | "INVALID_ARCHIVE"
  | "ITEM_TOO_LARGE"
  | "LABEL_NOT_FOUND"
  | "LABEL_TAKEN"
  | "LEASE_LOST"
  | "MIGRATION_MISMATCH"
  | "NOTHING_TO_UNDO"
  | "PLAINTEXT_REFUSED"
  | "PRUNE_REFUSED"
  | "RUN_CONFLICT"
  | "RUN_LEASE_LOST"
  | "RUN_NOT_FOUND"
  | "RUN_STATE"
  | "SEARCH_TOO_WIDE"
  | "SETUP_FAILED"
  | "STORAGE_REFUSED"
  | "STORAGE_UNAVAILABLE"
  | "THREAD_ARCHIVED"
  | "THREAD_DELETED"
  | "THREAD_LEASED"
  | "THREAD_NOT_EMPTY"
  | "THREAD_NOT_FOUND"
  | "UNKNOWN_GRAPH"
  | "UNSERIALIZABLE_STATE"
  | "UNSUPPORTED_FORMAT"
  | "UNSUPPORTED_RUNTIME"
  | "WRITE_CONFLICT"
  // @threadkeep/resilient-llm
  | "ALL_CANDIDATES_FAILED"
  | "ANSWER_NOT_PARSED"
  | "AUTHENTICATION_FAILED"
  | "BUDGET_EXCEEDED"
  | "CONNECTION_FAILED"
  | "CONTENT_FILTERED"
  | "CONTEXT_LENGTH_EXCEEDED"
  | "EMPTY_ANSWER"
  | "EXCEEDS_RATE_LIMIT"
  | "GENERATION_FAILED"
  | "INVALID_REQUEST"
  | "INVALID_RESPONSE"
  | "JOURNAL_UNAVAILABLE"
  | "LEDGER_UNAVAILABLE"
  | "LOCATION_REFUSED"
  | "MODEL_FAILED"
  | "MODEL_NOT_FOUND"
  | "QUOTA_EXHAUSTED"
  | "RATE_LIMITED"
  | "REPLAY_DIFFERS"
  | "REPLAY_INCOMPLETE"
  | "SERVER_ERROR"
  | "SESSION_CHANGED"
  | "STREAM_INTERRUPTED"
  | "STRUCTURED_OUTPUT_FAILED"
  | "TIMEOUT"
  | "TOOL_OUTCOME_UNKNOWN"
  | "TRANSIENT"
  | "UNSUPPORTED_BY_MODEL";

/** What a {@link ThreadkeepError} can be given beside its message. */
export interface ThreadkeepErrorOptions extends ErrorOptions {
  /**
   * Whether a retry cannot help.
   *
   * @default true
   */
  readonly isFinal?: boolean | undefined;
}

/**
 * Base of every error that Threadkeep's packages throw. Tell errors apart by their `code`, or by
 * `isInstance` of each class: it recognises errors of another copy of the package too, which
 * `instanceof` does not.
 */
export class ThreadkeepError extends Error {
  /** The codes of this class. Undefined: every code. */
  static readonly codes: readonly ThreadkeepErrorCode[] | undefined = undefined;

  /** The name of the class, also in minified code. */
  override readonly name: string = "ThreadkeepError";

  /** Stable identifier, for example `INVALID_OPTIONS`. */
  readonly code: ThreadkeepErrorCode;

  /**
   * Whether a retry cannot help. If so, LangChain's retry middleware does not retry
   * either.
   */
  readonly isFinal: boolean;

  /** @param message what happened, to what, and what to do next */
  constructor(code: ThreadkeepErrorCode, message: string, options: ThreadkeepErrorOptions = {}) {
    const { cause, isFinal = true } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.isFinal = isFinal;
    Object.defineProperty(this, BRAND, { value: true });
    if (isFinal) {
      Object.defineProperty(this, LANGCHAIN_RETRYABLE, { value: false, configurable: true });
    }
  }

  /** Whether `value` is an error of the class that this is called on, in any copy of the package. */
  static isInstance<ErrorType extends ThreadkeepError>(
    this: (abstract new (...args: never[]) => ErrorType) & Pick<typeof ThreadkeepError, "codes">,
    value: unknown,
  ): value is ErrorType {
    if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
    const { code } = value as unknown as ThreadkeepError;
    return this.codes === undefined || this.codes.includes(code);
  }
}
