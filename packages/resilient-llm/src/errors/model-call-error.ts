import { formatTimeline, type AttemptRecord } from "../failure/attempt-record.ts";
import type { Failure, FailureKind } from "../failure/failure.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** The part of an answer that arrived before it broke off. */
export interface PartialAnswer {
  /** The text so far. */
  readonly text: string;
  /** Whether a tool call had begun. Its arguments are incomplete and not in `text`. */
  readonly hasToolCalls: boolean;
}

/** What a {@link ModelCallError} is made from. */
export interface ModelCallErrorDetails {
  /** The failure of the deciding attempt. */
  readonly failure: Failure;
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[];
  /** Why no further attempt was made, for example `the deadline of 300000 ms is reached`. */
  readonly stoppedBecause: string;
  /** The part of the answer that arrived, if any did. */
  readonly partial?: PartialAnswer | undefined;
  /**
   * Whether every attempt was made that makes sense, so that doing the same again is of no use.
   *
   * @default true
   */
  readonly isFinal?: boolean | undefined;
}

const CODE_BY_KIND: Readonly<Record<FailureKind, ThreadkeepErrorCode>> = {
  "rate-limited": "RATE_LIMITED",
  "exceeds-rate-limit": "EXCEEDS_RATE_LIMIT",
  "quota-exhausted": "QUOTA_EXHAUSTED",
  transient: "TRANSIENT",
  "server-error": "SERVER_ERROR",
  timeout: "TIMEOUT",
  connection: "CONNECTION_FAILED",
  truncated: "STREAM_INTERRUPTED",
  "invalid-response": "INVALID_RESPONSE",
  "empty-answer": "EMPTY_ANSWER",
  "failed-generation": "GENERATION_FAILED",
  unsupported: "UNSUPPORTED_BY_MODEL",
  "bad-request": "INVALID_REQUEST",
  authentication: "AUTHENTICATION_FAILED",
  "location-refused": "LOCATION_REFUSED",
  "not-found": "MODEL_NOT_FOUND",
  "context-length": "CONTEXT_LENGTH_EXCEEDED",
  "content-filter": "CONTENT_FILTERED",
  unknown: "MODEL_FAILED",
};

/**
 * A call got no answer. `code` says why the deciding attempt failed; `attempts` is the whole timeline.
 * Where no subclass is more precise, this class itself is thrown, for example with the code
 * `RATE_LIMITED`, `SERVER_ERROR`, `TIMEOUT` or `CONNECTION_FAILED`.
 */
export class ModelCallError extends ThreadkeepError {
  /** The code says why the deciding attempt failed, or is `ALL_CANDIDATES_FAILED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = [
    ...Object.values(CODE_BY_KIND),
    "ALL_CANDIDATES_FAILED",
  ];
  /** `"ModelCallError"`, also in minified code. */
  override readonly name: string = "ModelCallError";
  /** The failure of the deciding attempt. */
  readonly failure: Failure;
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[];
  /** What you can do about it, if that is known. */
  readonly nextStep: string | undefined;
  /** The part of the answer that arrived, if any did. */
  readonly partial: PartialAnswer | undefined;

  /** @param code by default that of the deciding failure */
  constructor(details: ModelCallErrorDetails, code?: ThreadkeepErrorCode) {
    const { failure, attempts, stoppedBecause, partial, isFinal } = details;
    super(
      code ?? CODE_BY_KIND[failure.kind],
      `${failure.message}.${failure.nextStep === undefined ? "" : ` ${failure.nextStep}`}\n` +
        `No further attempt: ${stoppedBecause}. Attempts:\n${formatTimeline(attempts)}`,
      { cause: failure.cause, isFinal },
    );
    this.failure = failure;
    this.attempts = attempts;
    this.nextStep = failure.nextStep;
    this.partial = partial;
  }
}

/** Several candidates were tried and none gave an answer. */
export class AllCandidatesFailedError extends ModelCallError {
  /** The errors of this class have the code `ALL_CANDIDATES_FAILED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["ALL_CANDIDATES_FAILED"];
  /** `"AllCandidatesFailedError"`, also in minified code. */
  override readonly name: string = "AllCandidatesFailedError";

  /** @param details the failure that decided the call, and its attempts */
  constructor(details: ModelCallErrorDetails) {
    super(details, "ALL_CANDIDATES_FAILED");
  }
}

/** The provider refused the key (401 or 403). The message says where the key came from and the base URL. */
export class AuthenticationError extends ModelCallError {
  /** The errors of this class have the code `AUTHENTICATION_FAILED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["AUTHENTICATION_FAILED"];
  /** `"AuthenticationError"`, also in minified code. */
  override readonly name: string = "AuthenticationError";
}

/** The provider refused to answer this prompt. */
export class ContentFilterError extends ModelCallError {
  /** The errors of this class have the code `CONTENT_FILTERED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CONTENT_FILTERED"];
  /** `"ContentFilterError"`, also in minified code. */
  override readonly name: string = "ContentFilterError";
}

/** The prompt fits no candidate's context window, trimmed or not. */
export class ContextLengthError extends ModelCallError {
  /** The errors of this class have the code `CONTEXT_LENGTH_EXCEEDED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CONTEXT_LENGTH_EXCEEDED"];
  /** `"ContextLengthError"`, also in minified code. */
  override readonly name: string = "ContextLengthError";
}

/**
 * With status 200 came no answer, but for example an HTML page or more bytes than `maxResponseBytes`. Usually
 * the base URL is wrong.
 */
export class InvalidResponseError extends ModelCallError {
  /** The errors of this class have the code `INVALID_RESPONSE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["INVALID_RESPONSE"];
  /** `"InvalidResponseError"`, also in minified code. */
  override readonly name: string = "InvalidResponseError";
}

/**
 * The answer broke off. `partial` holds the part that arrived.
 *
 * It is final if every attempt was made and each broke off. It is not if the call was given up only because
 * part of the answer had been handed out and could not be taken back: whoever can throw that part away, as
 * LangChain's `modelRetryMiddleware` and a retried node of a graph do, may do the same again.
 */
export class StreamInterruptedError extends ModelCallError {
  /** The errors of this class have the code `STREAM_INTERRUPTED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["STREAM_INTERRUPTED"];
  /** `"StreamInterruptedError"`, also in minified code. */
  override readonly name: string = "StreamInterruptedError";

  /** @param details the failure that decided the call, and its attempts */
  constructor(details: ModelCallErrorDetails) {
    super(details, "STREAM_INTERRUPTED");
  }
}

/** The error class for a failure that decided a call on its own. */
export function createCallError(details: ModelCallErrorDetails): ModelCallError {
  switch (details.failure.kind) {
    case "authentication":
      return new AuthenticationError(details);
    case "content-filter":
      return new ContentFilterError(details);
    case "context-length":
      return new ContextLengthError(details);
    case "invalid-response":
      return new InvalidResponseError(details);
    case "truncated":
      return new StreamInterruptedError(details);
    default:
      return new ModelCallError(details);
  }
}
