/** Up to this length, looking for characters to escape is faster than calling JSON. */
const MAX_LENGTH = 64;

/** Characters that JSON may escape. */
const ESCAPED = /[^ !#-[\]-\uD7FF\uE000-\uFFFF]/;

/** A string as JSON. Most strings of a state are short; for those, this takes a fraction of the time. */
export function quoteString(text: string): string {
  return text.length > MAX_LENGTH || ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const MAX_KEYS = 1_000;

/** Keys seen so far: a state has few different ones. */
const quotedKeys = new Map<string, string>();

/** An object's key as JSON. */
export function quoteKey(key: string): string {
  const known = quotedKeys.get(key);
  if (known !== undefined) return known;
  const text = quoteString(key);
  if (key.length > MAX_LENGTH) return text;
  // Otherwise keys that are ids would fill it for ever.
  if (quotedKeys.size === MAX_KEYS) quotedKeys.clear();
  quotedKeys.set(key, text);
  return text;
}
