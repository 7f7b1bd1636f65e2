import type { SimulatedFaultKind } from "./simulated-fault-kind.ts";

/**
 * What went wrong with one attempt, in terms of what can be done about it.
 *
 * | kind | met as |
 * |---|---|
 * | `rate-limited` | 429, `rate_limit_exceeded`, overload of a shared service |
 * | `exceeds-rate-limit` | one request is larger than the rate limit ever allows |
 * | `quota-exhausted` | 402, `insufficient_quota`: money is missing, not time |
 * | `transient` | 408, 409, 421, 423, 424, 425, 499 |
 * | `server-error` | any 5xx, in-band server errors, `finish_reason: "error"` |
 * | `timeout` | no headers, no first token, silence, or too long altogether |
 * | `connection` | refused, no such host, TLS, reset before anything came |
 * | `truncated` | the answer began and did not properly end |
 * | `invalid-response` | status 200 and yet no answer: HTML, no choices |
 * | `empty-answer` | a proper end with neither text nor tool call nor refusal |
 * | `failed-generation` | what the model wrote did not pass the provider's check or the caller's schema |
 * | `unsupported` | this model cannot do what is asked; another one may |
 * | `bad-request` | 400, 422 without a better reason |
 * | `authentication` | 401, 403, a wrong key whatever the status |
 * | `location-refused` | the provider does not serve this country or network |
 * | `not-found` | 404, 410, a model that is not there whatever the status |
 * | `context-length` | the prompt does not fit the model's window |
 * | `content-filter` | the provider refuses to answer |
 * | `unknown` | anything else a model threw |
 */
export type FailureKind =
  | "rate-limited"
  | "exceeds-rate-limit"
  | "quota-exhausted"
  | "transient"
  | "server-error"
  | "timeout"
  | "connection"
  | "truncated"
  | "invalid-response"
  | "empty-answer"
  | "failed-generation"
  | "unsupported"
  | "bad-request"
  | "authentication"
  | "location-refused"
  | "not-found"
  | "context-length"
  | "content-filter"
  | "unknown";

/** Which of an attempt's time limits ran out: `connectMs`, `firstTokenMs`, `idleMs` or `totalMs`. */
export type TimeoutPhase = "connect" | "first-token" | "idle" | "total";

/** One failed attempt as a value. Nothing in it contains a key. */
export interface Failure {
  /** What went wrong. */
  readonly kind: FailureKind;
  /** One line: what happened and to what. */
  readonly message: string;
  /** What you can do about it, if that is known. */
  readonly nextStep?: string;
  /** HTTP status, if there was an answer. */
  readonly status?: number;
  /** The provider's own code, for instance `insufficient_quota`. */
  readonly providerCode?: string;
  /** How long the provider asks to wait, in ms. */
  readonly waitHintMs?: number;
  /** Whether a retry makes sense, if the provider says so itself (`x-should-retry`). */
  readonly shouldRetry?: boolean;
  /** Which time limit ran out; only for `timeout`. */
  readonly phase?: TimeoutPhase;
  /** Context window named by the provider, in tokens; only for `context-length`. */
  readonly windowTokens?: number;
  /** The fault that the option `simulateFaults` put in the way of the request, if it did. */
  readonly simulatedFault?: SimulatedFaultKind;
  /** The underlying error, redacted. */
  readonly cause?: unknown;
}
