/**
 * Control characters, and those that change the direction of a text. Whatever was stored could otherwise move the
 * cursor, recolour the terminal or make it send keys.
 */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/g;

const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Makes a text safe to print, and keeps it on one line. */
export function escapeControls(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(
      CONTROLS,
      (character) =>
        NAMES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}
