/** Separates the items of a segment. JSON text has no raw line breaks. */
export const LINE_BREAK = "\n";

/** The content of a segment with these items, in UTF-8. */
export function joinLines(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(LINE_BREAK));
}

/** The items of a segment. */
export function splitLines(content: Uint8Array): string[] {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    .toString()
    .split(LINE_BREAK);
}

/** About how many bytes these items take: each character counts as one. */
export function measureLines(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length + 1;
  return bytes;
}
