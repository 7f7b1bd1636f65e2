import type { Document, PullOperator, UpdateFilter } from "mongodb";
import type { StoredLatest, StoredStanding, ThreadDocument } from "../documents/documents.ts";
import { readOptionalDate, readText, readWhole, refuse } from "./document-fields.ts";

// What the record of a thread says of it, so that searches over all threads need nothing else.
//
// The command that stores a checkpoint also says where the thread stands: its last update, the closing fence,
// raises `standing`. Whichever of several writers comes last, the standing of the latest checkpoint stays. A
// server that stops before that update leaves the standing of the checkpoint before. So if the two differ, the
// opening fence names the checkpoint in `moving` first. Searches look at such threads themselves.

/** A change of where a thread stands. */
export interface StandingMove {
  readonly standing: StoredStanding;
  /** The checkpoint that is stored; undefined if none of the root graph is. */
  readonly latest?: StoredLatest | undefined;
  /** Names the change in `moving`; undefined if the thread stands as before. */
  readonly name: string | undefined;
  /**
   * Whether it is not known if `standing` holds. Then the name stays in `moving`, and a search finds out.
   */
  readonly isUnsure?: boolean;
  /** By the server's clock, about; undefined if nothing new is stored. */
  readonly nowMs: number | undefined;
}

/**
 * The names of changes. They are few, so that a search asks for each by an equality: servers that go through all
 * of an index for a range would take long. Changes of one thread at one time seldom have the same.
 */
export const MOVE_NAMES: readonly string[] = Array.from({ length: 32 }, (_, index) =>
  index.toString(32),
);

/** The name of a change that a checkpoint, or its pending writes, begin. */
export function nameMove(checkpointId: string, what: "checkpoint" | "writes"): string {
  const half = MOVE_NAMES.length / 2;
  let sum = 0;
  for (let index = 0; index < checkpointId.length; index += 1) {
    sum = (sum * 31 + checkpointId.charCodeAt(index)) % 65_521;
  }
  return MOVE_NAMES[(sum % half) + (what === "writes" ? half : 0)]!;
}

/** The part of the opening fence. */
export function beginMove({ name }: StandingMove): UpdateFilter<Document> {
  return name === undefined ? {} : { $addToSet: { moving: name } };
}

/** The part of the closing fence. Updates of several writers give the same in any order. */
export function recordMove({
  standing: { seq, code },
  latest,
  name,
  isUnsure = false,
  nowMs,
}: StandingMove): UpdateFilter<Document> {
  const now = nowMs === undefined ? undefined : new Date(nowMs);
  return {
    $max: { standing: { seq, code }, ...(latest && { latest }), ...(now && { updated_at: now }) },
    ...(now && { $min: { created_at: now } }),
    ...(name !== undefined &&
      !isUnsure && { $pull: { moving: name } as unknown as PullOperator<Document> }),
  };
}

/** The fields of a record that end with a life of its thread: those of its entry, and its retention. */
export const ENTRY_FIELDS: Readonly<Record<EntryField, "">> = {
  retention: "",
  standing: "",
  latest: "",
  moving: "",
  created_at: "",
  updated_at: "",
  metadata: "",
  fields: "",
};

type EntryField =
  | "retention"
  | "standing"
  | "latest"
  | "moving"
  | "created_at"
  | "updated_at"
  | "metadata"
  | "fields";

/** The greatest code of a standing. */
const MAX_CODE = 3;

/**
 * Checks what a record says for searches.
 *
 * @throws FieldFault if a field is not as this package writes it
 */
export function assertEntry(document: ThreadDocument): void {
  readOptionalDate("created_at", document.created_at);
  readOptionalDate("updated_at", document.updated_at);
  if (document.metadata !== undefined) readText("metadata", document.metadata);
  assertList("moving", document.moving, (name) => typeof name === "string");
  assertList("fields", document.fields, (field) => typeof field === "string");
  const latest: unknown = document.latest;
  if (latest !== undefined && !isObject(latest)) refuse("latest", "an object", latest);
  const standing: unknown = document.standing;
  if (standing === undefined) return;
  if (!isObject(standing)) refuse("standing", "an object", standing);
  const { seq, code } = standing as Partial<StoredStanding>;
  readWhole("standing.seq", seq, 0);
  if (readWhole("standing.code", code, 0) > MAX_CODE) refuse("standing.code", "0 to 3", code);
}

function assertList(field: string, value: unknown, isItem: (item: unknown) => boolean): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every(isItem)) refuse(field, "a list", value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
