const reasons = new WeakSet<object>();

/** Why a request is aborted whose answer nobody reads any more. */
export function createStopReason(): Error {
  const reason = new Error("The consumer stopped reading");
  reasons.add(reason);
  return reason;
}

/** Whether it was the consumer who ended a call, and not a failure or a signal. */
export function isStopReason(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && reasons.has(reason);
}
