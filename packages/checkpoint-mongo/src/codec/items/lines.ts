import { breather, ITEM_WORK } from "../../event-loop/breather.ts";

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

/** The items of several lists, one after the other. */
export function chainLines(lists: readonly (readonly string[])[]): readonly string[] {
  // With 400,000 lines, flatMap takes some 30 ms and this 1 ms.
  return lists.length === 1 ? lists[0]! : ([] as readonly string[]).concat(...lists);
}

/** About how many bytes these items take: each character counts as one. */
export function measureLines(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length + 1;
  return bytes;
}

/** What {@link measureLines} gives, in pieces. */
export async function measureInPieces(lines: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const line of lines) {
    bytes += line.length + 1;
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return bytes;
}
