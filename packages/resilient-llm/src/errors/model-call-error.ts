import { formatTimeline, type AttemptRecord } from "../failure/attempt-record.ts";
import type { Failure, FailureKind } from "../failure/failure.ts";
import { ThreadkeepError } from "./threadkeep-error.ts";

/** What had come of an answer before it broke off. */
export interface PartialAnswer {
  /** The text so far. */
  readonly text: string;
  /** A tool call had begun; its arguments are incomplete and not in `text`. */
  readonly hasToolCalls: boolean;
}

/** What a {@link ModelCallError} is made of. */
export interface ModelCallErrorDetails {
  readonly failure: Failure;
  readonly attempts: readonly AttemptRecord[];
  /** Why no further attempt was made, for instance `the deadline of 300000 ms is reached`. */
  readonly stoppedBecause: string;
  readonly partial?: PartialAnswer | undefined;
}

const codeOfKind: Readonly<Record<FailureKind, string>> = {
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
 * A call that got no answer. `code` says what the deciding attempt met; `attempts` is the whole
 * timeline. Thrown itself where no subclass is more precise, for instance with code `RATE_LIMITED`,
 * `SERVER_ERROR`, `TIMEOUT` or `CONNECTION_FAILED`.
 */
export class ModelCallError extends ThreadkeepError {
  static readonly codes: readonly string[] = [
    ...Object.values(codeOfKind),
    "ALL_CANDIDATES_FAILED",
  ];
  override readonly name: string = "ModelCallError";
  /** The failure of the deciding attempt. */
  readonly failure: Failure;
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[];
  /** What can be done about it, where that is known. */
  readonly nextStep: string | undefined;
  /** What had come of the answer, if anything had. */
  readonly partial: PartialAnswer | undefined;

  constructor(details: ModelCallErrorDetails, code?: string) {
    const { failure, attempts, stoppedBecause, partial } = details;
    super(
      code ?? codeOfKind[failure.kind],
      `${failure.message}.${failure.nextStep === undefined ? "" : ` ${failure.nextStep}`}\n` +
        `No further attempt: ${stoppedBecause}. Attempts:\n${formatTimeline(attempts)}`,
      { cause: failure.cause },
    );
    this.failure = failure;
    this.attempts = attempts;
    this.nextStep = failure.nextStep;
    this.partial = partial;
  }
}

/** Several candidates were tried and none gave an answer. */
export class AllCandidatesFailedError extends ModelCallError {
  static override readonly codes: readonly string[] = ["ALL_CANDIDATES_FAILED"];
  override readonly name = "AllCandidatesFailedError";

  constructor(details: ModelCallErrorDetails) {
    super(details, "ALL_CANDIDATES_FAILED");
  }
}

/** 401 or 403: the message names where the key came from and the base URL. */
export class AuthenticationError extends ModelCallError {
  static override readonly codes: readonly string[] = ["AUTHENTICATION_FAILED"];
  override readonly name = "AuthenticationError";
}

/** The provider refused to answer this prompt. */
export class ContentFilterError extends ModelCallError {
  static override readonly codes: readonly string[] = ["CONTENT_FILTERED"];
  override readonly name = "ContentFilterError";
}

/** The prompt fits no candidate's context window, trimmed or not. */
export class ContextLengthError extends ModelCallError {
  static override readonly codes: readonly string[] = ["CONTEXT_LENGTH_EXCEEDED"];
  override readonly name = "ContextLengthError";
}

/** Status 200 and no answer: an HTML page, no choices. Mostly a wrong base URL. */
export class InvalidResponseError extends ModelCallError {
  static override readonly codes: readonly string[] = ["INVALID_RESPONSE"];
  override readonly name = "InvalidResponseError";
}

/** The answer began and broke off; `partial` holds what had come. */
export class StreamInterruptedError extends ModelCallError {
  static override readonly codes: readonly string[] = ["STREAM_INTERRUPTED"];
  override readonly name = "StreamInterruptedError";

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
