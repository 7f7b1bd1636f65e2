// The driver that throws may be another copy than ours, so `instanceof` tells nothing.

const DUPLICATE_KEY = 11_000;
const INTERNAL_ERROR = 1;

const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
/** By this number Atlas says both. */
const ATLAS_ERROR = 8_000;

/** The number by which the server says what went wrong; undefined for other errors. */
export function readErrorCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "number" ? code : undefined;
}

/** Whether a unique index refused a write. */
export function isDuplicateKeyError(error: unknown): boolean {
  return readErrorCode(error) === DUPLICATE_KEY || isInternalDuplicate(error);
}

/** Whether the database user may not do what was asked for. */
export function isUnauthorized(error: unknown): boolean {
  const code = readErrorCode(error);
  return code === UNAUTHORIZED || (code === ATLAS_ERROR && !isUnauthenticated(error));
}

/** Whether the server did not believe that it was this user. */
export function isUnauthenticated(error: unknown): boolean {
  const code = readErrorCode(error);
  return (
    code === AUTHENTICATION_FAILED || (code === ATLAS_ERROR && /bad auth/i.test(String(error)))
  );
}

/** FerretDB passes on what PostgreSQL says where two upserts of the same document meet. */
function isInternalDuplicate(error: unknown): boolean {
  const { errmsg, message = errmsg } = error as { errmsg?: unknown; message?: unknown };
  return (
    readErrorCode(error) === INTERNAL_ERROR &&
    typeof message === "string" &&
    message.includes("duplicate key value violates unique constraint")
  );
}
