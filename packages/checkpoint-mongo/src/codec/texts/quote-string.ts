/** Up to here it takes less time to look for what has to be escaped than to call JSON. */
const MAX_LENGTH = 64;

/** Characters that JSON may write in another way. */
const ESCAPED = /[^ !#-[\]-\uD7FF\uE000-\uFFFF]/;

/** A string as JSON. Most of a state's strings are short, and take a fraction of the time. */
export function quoteString(text: string): string {
  return text.length > MAX_LENGTH || ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const MAX_KEYS = 1_000;

/** Keys met so far. A state is made of few, over and over. */
const quotedKeys = new Map<string, string>();

/** An object's key as JSON. */
export function quoteKey(key: string): string {
  const known = quotedKeys.get(key);
  if (known !== undefined) return known;
  const text = quoteString(key);
  if (key.length > MAX_LENGTH) return text;
  // Keys that are ids would fill it for good.
  if (quotedKeys.size === MAX_KEYS) quotedKeys.clear();
  quotedKeys.set(key, text);
  return text;
}
