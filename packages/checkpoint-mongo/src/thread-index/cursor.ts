import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { readCursorText, writeCursorText } from "../options/cursor-text.ts";

/** Where a page of a search ended. */
export interface SearchCursor {
  readonly at: Date;
  readonly threadId: string;
}

/** The order that a cursor belongs to. */
export interface CursorOrder {
  readonly by: "updated_at" | "created_at";
  readonly isAscending: boolean;
}

/** A cursor as callers carry it from one page to the next. */
export function writeCursor({ at, threadId }: SearchCursor, order: CursorOrder): string {
  return writeCursorText([nameOrder(order), at.getTime(), threadId]);
}

/**
 * Reads a cursor.
 *
 * @throws InvalidOptionsError if it is none, or of another order
 */
export function readCursor(owner: string, text: string, order: CursorOrder): SearchCursor {
  const [name, at, threadId] = readCursorText(text);
  if (typeof name === "string" && Number.isSafeInteger(at) && typeof threadId === "string") {
    if (name === nameOrder(order)) return { at: new Date(at as number), threadId };
    throw new InvalidOptionsError(
      `Invalid option cursor of ${owner}: expected a cursor of the same sort, got one of another. Search ` +
        "on with the sort that the page before had.",
    );
  }
  throw new InvalidOptionsError(
    `Invalid option cursor of ${owner}: expected the cursor of an earlier page, got a string of ` +
      `${text.length} characters.`,
  );
}

function nameOrder({ by, isAscending }: CursorOrder): string {
  return `${by} ${isAscending ? "asc" : "desc"}`;
}
