import { cutText } from "./cut-text.ts";

/** A value that is longer is stored in chunks, so that a change of a part stores that part. */
export const MAX_WHOLE_LENGTH = 131_072;

/** The encoded text of a long string in chunks, without ever making all of that text. */
export function* encodeLongString(value: string): Generator<string> {
  yield QUOTE;
  for (const part of cutText(value)) {
    yield ESCAPED.test(part) ? JSON.stringify(part).slice(1, -1) : part;
  }
  yield QUOTE;
}

/** Whether {@link encodeLongString} would give these chunks, without cutting the string anew. */
export function isInChunks(value: string, chunks: readonly string[]): boolean {
  if (chunks.length < 2 || chunks[0] !== QUOTE || chunks.at(-1) !== QUOTE) return false;
  let offset = 0;
  for (let index = 1; index < chunks.length - 1; index += 1) {
    const chunk = chunks[index]!;
    const part = chunk.includes("\\") ? (JSON.parse(QUOTE + chunk + QUOTE) as string) : chunk;
    if (!value.startsWith(part, offset)) return false;
    offset += part.length;
  }
  return offset === value.length;
}

const QUOTE = '"';

/** Characters that JSON may write in another way. Most texts have none, and to look takes no memory. */
const ESCAPED = /[^ !#-[\]-\uD7FF\uE000-\uFFFF]/;
