import type { FailureKind } from "@threadkeep/resilient-llm";

/** What is right for one kind of failure. */
export interface Consequence {
  /** Requests to the same candidate, without other options than the defaults. */
  readonly requests: number;
  /** The next candidate is asked. */
  readonly goesOn: boolean;
  /** Both in words. */
  readonly inWords: string;
}

const RETRIED: Consequence = {
  requests: 4,
  goesOn: true,
  inWords: "retried up to three times, then the next candidate",
};
const LEFT: Consequence = { requests: 1, goesOn: true, inWords: "the next candidate at once" };

/** What is right for each kind, by what can be done about it. Not read from the package. */
export const CONSEQUENCES: Readonly<Record<FailureKind, Consequence>> = {
  "rate-limited": {
    ...RETRIED,
    inWords: "retried after the wait it asks for, or our own, then the next candidate",
  },
  "exceeds-rate-limit": LEFT,
  "quota-exhausted": LEFT,
  transient: RETRIED,
  "server-error": RETRIED,
  timeout: RETRIED,
  connection: RETRIED,
  truncated: RETRIED,
  "invalid-response": LEFT,
  "empty-answer": {
    requests: 2,
    goesOn: true,
    inWords: "asked for once more, then the next candidate; flagged if nobody says more",
  },
  "failed-generation": RETRIED,
  unsupported: LEFT,
  "bad-request": {
    requests: 1,
    goesOn: false,
    inWords: "an error, or the next candidate with `fallback.onBadRequest`",
  },
  authentication: {
    requests: 1,
    goesOn: false,
    inWords:
      "an error that names the key's source, or the next candidate with `fallback.onAuthentication`",
  },
  "location-refused": LEFT,
  "not-found": LEFT,
  "context-length": {
    requests: 1,
    goesOn: true,
    inWords: "trimmed once, then a candidate with a larger or unknown window",
  },
  "content-filter": {
    requests: 1,
    goesOn: false,
    inWords: "an error, or another provider with `fallback.onContentFilter`",
  },
  unknown: LEFT,
};
