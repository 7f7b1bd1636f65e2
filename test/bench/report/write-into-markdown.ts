import { readFileSync, writeFileSync } from "node:fs";

/** A place in a Markdown file that a program writes. */
export interface Place {
  readonly begin: string;
  readonly end: string;
}

/**
 * Replaces what stands between the two marks of a place.
 *
 * @throws Error if the marks are not there
 */
export function writeIntoMarkdown(path: string, place: Place, markdown: string): void {
  const text = readFileSync(path, "utf8");
  const begin = text.indexOf(place.begin);
  const end = text.indexOf(place.end);
  if (begin === -1 || end < begin) {
    throw new Error(
      `${path} has no place for this: it needs the lines ${place.begin} and ${place.end}.`,
    );
  }
  const before = text.slice(0, begin + place.begin.length);
  writeFileSync(path, `${before}\n\n${markdown}\n\n${text.slice(end)}`);
}
