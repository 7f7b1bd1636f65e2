import type { FailureKind } from "./failure.ts";

/** What follows from one kind of failure. */
export interface FailurePolicy {
  /** The same candidate may be asked again. */
  readonly retry: boolean;
  /** Another candidate may be asked. */
  readonly fallback: boolean;
  /** Speaks against the health of the endpoint, so the breaker counts it. */
  readonly breaker: boolean;
  /** After falling back because of it, later calls avoid this candidate for a while. */
  readonly avoid: boolean;
}

/**
 * The policy per kind. `authentication` and `content-filter` fall back only where an option says so;
 * `context-length` is handled by trimming and by larger windows.
 */
export const failurePolicies: Readonly<Record<FailureKind, FailurePolicy>> = {
  "rate-limited": { retry: true, fallback: true, breaker: false, avoid: true },
  "quota-exhausted": { retry: false, fallback: true, breaker: false, avoid: true },
  transient: { retry: true, fallback: true, breaker: false, avoid: false },
  "server-error": { retry: true, fallback: true, breaker: true, avoid: true },
  timeout: { retry: true, fallback: true, breaker: true, avoid: true },
  connection: { retry: true, fallback: true, breaker: true, avoid: true },
  truncated: { retry: true, fallback: true, breaker: true, avoid: true },
  // An HTML page or an empty answer comes from a wrong address or a broken proxy: the same request
  // would meet it again.
  "invalid-response": { retry: false, fallback: true, breaker: true, avoid: true },
  // The next draw may be better, and says nothing about the endpoint.
  "failed-generation": { retry: true, fallback: true, breaker: false, avoid: false },
  "bad-request": { retry: false, fallback: false, breaker: false, avoid: false },
  authentication: { retry: false, fallback: false, breaker: false, avoid: true },
  "not-found": { retry: false, fallback: true, breaker: false, avoid: true },
  "context-length": { retry: false, fallback: true, breaker: false, avoid: false },
  "content-filter": { retry: false, fallback: false, breaker: false, avoid: false },
  unknown: { retry: false, fallback: true, breaker: false, avoid: false },
};
