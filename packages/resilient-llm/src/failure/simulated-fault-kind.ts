/**
 * A fault that `simulateFaults` can put in the way of a request. Most are named for the failure that they
 * become.
 *
 * | kind | what the model meets |
 * |---|---|
 * | `rate-limited` | 429 with `Retry-After` |
 * | `quota-exhausted` | 429 with the code `insufficient_quota` |
 * | `server-error` | 500, or the status given |
 * | `authentication` | 401 with the code `invalid_api_key` |
 * | `not-found` | 404 with the code `model_not_found` |
 * | `context-length` | 400 with the code `context_length_exceeded` |
 * | `content-filter` | 400 with the code `content_filter` |
 * | `connection` | the connection is reset before anything comes |
 * | `invalid-response` | 200 with an HTML page |
 * | `broken-json` | 200 with a body, or an event of a stream, that breaks off in the middle of JSON |
 * | `empty-answer` | a proper answer that says nothing |
 * | `wrong-schema` | an answer with the wrong types, or in prose; only where a request asks for a shape |
 * | `slow` | the answer of the model, later |
 * | `stall` | silence: before the first token, or after part of the model's answer |
 * | `cut` | part of the model's answer, then a broken connection |
 */
export type SimulatedFaultKind =
  | "rate-limited"
  | "quota-exhausted"
  | "server-error"
  | "authentication"
  | "not-found"
  | "context-length"
  | "content-filter"
  | "connection"
  | "invalid-response"
  | "broken-json"
  | "empty-answer"
  | "wrong-schema"
  | "slow"
  | "stall"
  | "cut";

/** The simulated fault that an attempt has met. */
export interface SimulatedFaultMark {
  readonly kind: SimulatedFaultKind;
  /** The model was asked all the same, so the attempt costs what its answer costs. */
  readonly isAsked: boolean;
}
