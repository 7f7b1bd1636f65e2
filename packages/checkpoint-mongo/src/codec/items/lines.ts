/** Between the items of a segment, which are single lines: JSON text has no raw line breaks. */
export const LINE_BREAK = "\n";

/** The content of a segment of these items, UTF-8. */
export function joinLines(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(LINE_BREAK));
}

/** The items of a segment. */
export function splitLines(content: Uint8Array): string[] {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    .toString()
    .split(LINE_BREAK);
}

/** Bytes of these items, about: characters count as one byte. */
export function measureLines(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length + 1;
  return bytes;
}
