import type { Failure } from "../failure/failure.ts";

/** Carries a failure found on the wire through the OpenAI SDK, out to where it becomes a value again. */
export class WireFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = "WireFailure";
    this.failure = failure;
  }
}
