import { cutText } from "./cut-text.ts";

/** A longer value is stored in chunks, so that a change stores only the chunks it touches. */
export const MAX_WHOLE_LENGTH = 131_072;

/** The encoded text of a long string in chunks. The whole text is never in memory. */
export function* encodeLongString(value: string): Generator<string> {
  yield QUOTE;
  for (const part of cutText(value)) {
    yield ESCAPED.test(part) ? JSON.stringify(part).slice(1, -1) : part;
  }
  yield QUOTE;
}

/** Whether {@link encodeLongString} would give these chunks, without cutting the string again. */
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

/** Characters that JSON may escape. Most texts have none, and looking takes no memory. */
const ESCAPED = /[^ !#-[\]-\uD7FF\uE000-\uFFFF]/;
