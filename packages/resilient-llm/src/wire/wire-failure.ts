import type { Failure } from "../failure/failure.ts";

/** Ends a request through the OpenAI SDK. The failure itself is kept by the attempt's watch. */
export class WireFailure extends Error {
  constructor({ message }: Failure) {
    super(message);
    this.name = "WireFailure";
  }
}
