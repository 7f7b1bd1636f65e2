// The error may be of another copy of the driver than ours, so `instanceof` does not work.

const DUPLICATE_KEY = 11_000;
const INTERNAL_ERROR = 1;

const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
/** Atlas uses this code for both. */
const ATLAS_ERROR = 8_000;

/** The error code of the server; undefined for other errors. */
export function readErrorCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "number" ? code : undefined;
}

/** Whether a unique index refused a write. */
export function isDuplicateKeyError(error: unknown): boolean {
  return readErrorCode(error) === DUPLICATE_KEY || isInternalDuplicate(error);
}

/** Whether the database user lacks a privilege. */
export function isUnauthorized(error: unknown): boolean {
  const code = readErrorCode(error);
  return code === UNAUTHORIZED || (code === ATLAS_ERROR && !isUnauthenticated(error));
}

/** Whether the authentication failed. */
export function isUnauthenticated(error: unknown): boolean {
  const code = readErrorCode(error);
  return (
    code === AUTHENTICATION_FAILED || (code === ATLAS_ERROR && /bad auth/i.test(String(error)))
  );
}

/** FerretDB passes on the error of PostgreSQL when two upserts of the same document meet. */
function isInternalDuplicate(error: unknown): boolean {
  const { errmsg, message = errmsg } = error as { errmsg?: unknown; message?: unknown };
  return (
    readErrorCode(error) === INTERNAL_ERROR &&
    typeof message === "string" &&
    message.includes("duplicate key value violates unique constraint")
  );
}
