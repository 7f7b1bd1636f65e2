/** What API keys look like when they turn up in a provider's message: `sk-…`, `Bearer …`. */
const KEY_PATTERNS = [/\b(?:sk|pk|rk|gsk|xai)-[\w-]{6,}/g, /\bBearer\s+[\w.~+/-]{8,}=*/gi];

/** Copies of an error's cause are cut off at this depth, in case the chain is circular. */
const MAXIMUM_CAUSE_DEPTH = 5;

/**
 * `text` without the given secrets and without anything that looks like an API key.
 *
 * Secrets of fewer than 4 characters are left alone: replacing them would garble the message.
 */
export function redactText(text: string, secrets: readonly string[]): string {
  let redacted = text;
  for (const secret of secrets) {
    if (secret.length >= 4) redacted = redacted.replaceAll(secret, "[redacted]");
  }
  for (const pattern of KEY_PATTERNS) redacted = redacted.replace(pattern, "[redacted]");
  return redacted;
}

/** Whether a text looks like an API key, for instance one that stands where a name should. */
export function looksLikeKey(text: string): boolean {
  return redactText(text, []) !== text;
}

/**
 * A copy of an error that is safe to keep as a `cause`: name, message, stack, `code` and `status`,
 * all redacted. Request and response objects hanging off SDK errors (with their authorization
 * header) are not taken along.
 */
export function redactError(error: unknown, secrets: readonly string[], depth = 0): unknown {
  if (typeof error === "string") return redactText(error, secrets);
  if (!(error instanceof Error)) return undefined;
  const copy = new Error(redactText(error.message, secrets));
  Object.defineProperty(copy, "name", { value: error.name, enumerable: false });
  if (error.stack !== undefined) copy.stack = redactText(error.stack, secrets);
  const { code, status } = error as { code?: unknown; status?: unknown };
  if (typeof code === "string" || typeof code === "number") Object.assign(copy, { code });
  if (typeof status === "number") Object.assign(copy, { status });
  if (error.cause !== undefined && depth < MAXIMUM_CAUSE_DEPTH) {
    copy.cause = redactError(error.cause, secrets, depth + 1);
  }
  return copy;
}
