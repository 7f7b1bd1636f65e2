import { breather } from "../../event-loop/breather.ts";
import { shareByCopies } from "../../process/shared-by-copies.ts";
import { LINE_BREAK, measureLines } from "../items/lines.ts";

/** Room for the content of a segment, which seldom has more than 1 MB of characters. */
const ROOM_BYTES = 4 * 1_024 * 1_024;

/** The most bytes that UTF-8 takes for a UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;

/** Many writes are slow, and so is joining many lines to one text. */
const LINES_AT_ONCE = 64;

/** A longer line is written in pieces of so many UTF-16 code units. */
const UNITS_AT_ONCE = 262_144;

/** One buffer that callers borrow one after the other. Whoever comes while it is lent gets a new one. */
interface LentBuffer {
  /** Undefined while it is lent. */
  spare: Buffer | undefined;
}

/** The buffer of this process. */
const BUFFER = shareByCopies<LentBuffer>("content-buffer", () => ({ spare: undefined }));

/**
 * Lends the content of a segment with these items. All segments use the same buffer, one after the other: a
 * large state has many segments, and a buffer for each would stay in memory until it is collected.
 *
 * @param use must not keep the content after it is done
 */
export function lendContent<Result>(
  lines: readonly string[],
  use: (content: Uint8Array) => Result | Promise<Result>,
): Result | Promise<Result> {
  if (measureLines(lines) * MAX_BYTES_PER_UNIT > ROOM_BYTES) return writeLong(lines).then(use);
  const room = BUFFER.spare ?? Buffer.allocUnsafeSlow(ROOM_BYTES);
  BUFFER.spare = undefined;
  const result = use(room.subarray(0, writeLines(lines, room)));
  if (!(result instanceof Promise)) {
    BUFFER.spare = room;
    return result;
  }
  return result.finally(() => {
    BUFFER.spare = room;
  });
}

function writeLines(lines: readonly string[], room: Buffer): number {
  let end = 0;
  for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
    if (start > 0) end += room.write(LINE_BREAK, end);
    end += room.write(lines.slice(start, start + LINES_AT_ONCE).join(LINE_BREAK), end);
  }
  return end;
}

/** Writes content with very long items in pieces, into a buffer of its own. */
async function writeLong(lines: readonly string[]): Promise<Uint8Array> {
  let bytes = lines.length - 1;
  for (const part of cutLines(lines)) {
    bytes += Buffer.byteLength(part);
    if (breather.isDue(part.length)) await breather.rest();
  }
  const content = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  for (const [index, line] of lines.entries()) {
    if (index > 0) end += content.write(LINE_BREAK, end);
    for (const part of cutLine(line)) {
      end += content.write(part, end);
      if (breather.isDue(part.length)) await breather.rest();
    }
  }
  return content;
}

function* cutLines(lines: readonly string[]): Generator<string> {
  for (const line of lines) yield* cutLine(line);
}

function* cutLine(line: string): Generator<string> {
  for (let start = 0; start < line.length;) {
    let end = start + UNITS_AT_ONCE;
    // Half of a surrogate pair would be written as a replacement character.
    if (isHighSurrogate(line.charCodeAt(end - 1))) end += 1;
    yield line.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd8_00 && unit <= 0xdb_ff;
}
