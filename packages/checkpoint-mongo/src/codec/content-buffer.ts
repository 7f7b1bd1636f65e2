import { joinLines, LINE_BREAK, measureLines } from "./lines.ts";

/** Room for the content of a segment, which seldom has more than 1 MB of characters. */
const MAX_BYTES = 4 * 1_024 * 1_024;

/** UTF-8 takes at most so many bytes for a UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;

/** Each write has its price, and so has a long text that is made to be written. */
const LINES_AT_ONCE = 64;

let buffer: Buffer | undefined;

/**
 * Lends the content of a segment of these items. It is put together in memory that all segments
 * share: a large state has many, and a buffer for each would be there until it is collected.
 *
 * @param use must not keep what it is given
 */
export function lendContent<Result>(
  lines: readonly string[],
  use: (content: Uint8Array) => Result,
): Result {
  if (measureLines(lines) * MAX_BYTES_PER_UNIT > MAX_BYTES) return use(joinLines(lines));
  buffer ??= Buffer.allocUnsafeSlow(MAX_BYTES);
  let end = 0;
  for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
    if (start > 0) end += buffer.write(LINE_BREAK, end);
    end += buffer.write(lines.slice(start, start + LINES_AT_ONCE).join(LINE_BREAK), end);
  }
  return use(buffer.subarray(0, end));
}
