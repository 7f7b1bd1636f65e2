/**
 * What went wrong with one attempt, in terms of what can be done about it.
 *
 * | kind | met as |
 * |---|---|
 * | `rate-limited` | 429 |
 * | `quota-exhausted` | 402, `insufficient_quota`: money is missing, not time |
 * | `transient` | 408, 409, 425 |
 * | `server-error` | any 5xx, in-band server errors, `finish_reason: "error"` |
 * | `timeout` | no headers, no first token, silence, or too long altogether |
 * | `connection` | refused, no such host, TLS, reset before anything came |
 * | `truncated` | the answer began and did not properly end |
 * | `invalid-response` | status 200 and yet no answer: HTML, no choices |
 * | `bad-request` | 400, 422 |
 * | `authentication` | 401, 403 |
 * | `not-found` | 404 |
 * | `context-length` | the prompt does not fit the model's window |
 * | `content-filter` | the provider refuses to answer |
 * | `unknown` | anything else a model threw |
 */
export type FailureKind =
  | "rate-limited"
  | "quota-exhausted"
  | "transient"
  | "server-error"
  | "timeout"
  | "connection"
  | "truncated"
  | "invalid-response"
  | "bad-request"
  | "authentication"
  | "not-found"
  | "context-length"
  | "content-filter"
  | "unknown";

/** Which of an attempt's time limits ran out. */
export type TimeoutPhase = "connect" | "first-token" | "idle" | "total";

/** One failed attempt as a value. Nothing in it contains a key. */
export interface Failure {
  /** What went wrong. */
  readonly kind: FailureKind;
  /** One line: what happened and to what. */
  readonly message: string;
  /** What the reader can do about it, where that is known. */
  readonly nextStep?: string;
  /** HTTP status, if there was an answer. */
  readonly status?: number;
  /** The provider's own code, for instance `insufficient_quota`. */
  readonly providerCode?: string;
  /** How long the provider asks to wait, in ms. */
  readonly waitHintMs?: number;
  /** Only for `timeout`. */
  readonly phase?: TimeoutPhase;
  /** Context window named by the provider, in tokens; only for `context-length`. */
  readonly windowTokens?: number;
  /** The underlying error, redacted. */
  readonly cause?: unknown;
}
