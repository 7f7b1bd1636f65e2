/** Writes where a page ended, as callers carry it to the next one. */
export function writeCursorText(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Reads what {@link writeCursorText} has written; nothing of another text. */
export function readCursorText(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
