const DUPLICATE_KEY = 11_000;

/** Errors are told apart by their codes: the user's client may be of another copy of the driver. */
function readCode(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** Two commands have inserted the same document. */
export function isDuplicateKeyError(error: unknown): boolean {
  return readCode(error) === DUPLICATE_KEY;
}
