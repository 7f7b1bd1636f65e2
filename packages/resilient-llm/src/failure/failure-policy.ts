import type { FailureKind } from "./failure.ts";

/** What follows from one kind of failure. */
export interface FailurePolicy {
  /** How often the same candidate may be asked again, at most; `Infinity` leaves it to `retry.maxRetries`. */
  readonly retries: number;
  /** Another candidate may be asked. */
  readonly fallback: boolean;
  /** Speaks against the health of the endpoint, so the breaker counts it. */
  readonly breaker: boolean;
  /** After falling back because of it, later calls avoid this candidate for a while. */
  readonly avoid: boolean;
}

/**
 * The policy per kind. `authentication`, `content-filter` and `bad-request` fall back only where an
 * option says so; `context-length` is handled by trimming and by larger windows.
 */
export const failurePolicies: Readonly<Record<FailureKind, FailurePolicy>> = {
  "rate-limited": { retries: Infinity, fallback: true, breaker: false, avoid: true },
  // Of no use however long one waits; a smaller request may go through.
  "exceeds-rate-limit": { retries: 0, fallback: true, breaker: false, avoid: false },
  "quota-exhausted": { retries: 0, fallback: true, breaker: false, avoid: true },
  transient: { retries: Infinity, fallback: true, breaker: false, avoid: false },
  "server-error": { retries: Infinity, fallback: true, breaker: true, avoid: true },
  timeout: { retries: Infinity, fallback: true, breaker: true, avoid: true },
  connection: { retries: Infinity, fallback: true, breaker: true, avoid: true },
  truncated: { retries: Infinity, fallback: true, breaker: true, avoid: true },
  // An HTML page comes from a wrong address or a broken proxy: the same request would meet it again.
  "invalid-response": { retries: 0, fallback: true, breaker: true, avoid: true },
  // A model that has nothing to say twice mostly stays silent.
  "empty-answer": { retries: 1, fallback: true, breaker: false, avoid: false },
  "failed-generation": { retries: Infinity, fallback: true, breaker: false, avoid: false },
  unsupported: { retries: 0, fallback: true, breaker: false, avoid: false },
  "bad-request": { retries: 0, fallback: false, breaker: false, avoid: false },
  authentication: { retries: 0, fallback: false, breaker: false, avoid: true },
  "location-refused": { retries: 0, fallback: true, breaker: false, avoid: true },
  "not-found": { retries: 0, fallback: true, breaker: false, avoid: true },
  "context-length": { retries: 0, fallback: true, breaker: false, avoid: false },
  "content-filter": { retries: 0, fallback: false, breaker: false, avoid: false },
  unknown: { retries: 0, fallback: true, breaker: false, avoid: false },
};
