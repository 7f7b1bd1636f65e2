import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { readCursorText, writeCursorText } from "../options/cursor-text.ts";
import type { RunDocument } from "./run-document.ts";
import type { RunStatus } from "./run.ts";

/** Which runs `runs.list` lists. */
export interface RunSearch {
  /** Only runs that stand there, or at one of these. */
  status?: RunStatus | readonly RunStatus[] | undefined;
  /** Only runs of this thread. */
  threadId?: string | undefined;
  /** Only runs of this graph. */
  graph?: string | undefined;
  /** Only runs of this version of a graph. */
  version?: string | undefined;
  /**
   * How many a page has, from 1 to 1,000.
   *
   * @default 100
   */
  limit?: number | undefined;
  /** The cursor of the page before. */
  cursor?: string | undefined;
}

const status = z.enum(["queued", "running", "waiting", "done", "failed", "dead", "cancelled"]);

const schema = z.strictObject({
  status: z.union([status, z.array(status)]).optional(),
  threadId: z.string().min(1).optional(),
  graph: z.string().min(1).optional(),
  version: z.string().min(1).optional(),
  limit: z.number().int().min(1).max(1_000).default(100),
  cursor: z.string().optional(),
});

/** A search, checked. */
export interface CheckedRunSearch {
  readonly filter: object;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** @throws InvalidOptionsError if something of it is wrong or unknown */
export function checkRunList(search: unknown): CheckedRunSearch {
  const checked = checkOptions("runs.list", schema, search);
  const { threadId, graph, version, limit, cursor } = checked;
  const statuses = checked.status === undefined ? undefined : [checked.status].flat();
  const filter = {
    ...(statuses && { status: { $in: statuses } }),
    ...(threadId !== undefined && { thread_id: threadId }),
    ...(graph !== undefined && { graph }),
    ...(version !== undefined && { version }),
  };
  return { filter, limit, cursor };
}

/** A cursor behind a run. */
export function writeRunCursor({ created_at: at, _id }: RunDocument): string {
  return writeCursorText([at.getTime(), _id]);
}

/**
 * What comes behind a cursor.
 *
 * @throws InvalidOptionsError if it is none
 */
export function readRunCursor(cursor: string): object {
  const [atMs, id] = readCursorText(cursor);
  if (!Number.isSafeInteger(atMs) || typeof id !== "string") {
    throw new InvalidOptionsError(
      "Invalid option cursor of runs.list: expected the cursor of an earlier page, got a string of " +
        `${cursor.length} characters.`,
    );
  }
  const at = new Date(atMs as number);
  return { $or: [{ created_at: { $lt: at } }, { created_at: at, _id: { $lt: id } }] };
}
