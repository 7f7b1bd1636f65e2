import type { Failure } from "../failure/failure.ts";
import type { WireWatch } from "./wire-watch.ts";

/** Ends a request through the OpenAI SDK. The failure itself is kept by the attempt's watch. */
export class WireFailure extends Error {
  constructor({ message }: Failure) {
    super(message);
    this.name = "WireFailure";
  }
}

/** Notes a failure on the watch, unless one is there already; returns the error to throw. */
export function failWatch(watch: WireWatch, failure: Failure): WireFailure {
  watch.failure ??= failure;
  return new WireFailure(watch.failure);
}
