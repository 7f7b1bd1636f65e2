import type { Document, PullOperator, UpdateFilter } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import type { StoredStanding, ThreadDocument } from "../documents/documents.ts";
import type { ChainUpdate } from "./chain.ts";
import { FieldFault, readOptionalDate, readText, readWhole, refuse } from "./document-fields.ts";
import { matchCheckpoint } from "./match-checkpoint.ts";

// What searches over all threads go by.
//
// The latest checkpoint of a thread's root graph says in `stands` where the thread stands. It is inserted with
// that, and loses it with the mark of the latest, so a step changes no further document. Only an interrupt or
// an error changes it later. A server may stop between these two updates. So the opening fence first names the
// change in `moving`, and the closing fence takes the name off. Searches look at such threads themselves.

/** An interrupt or an error that changes where a thread stands. */
export interface StandingMove {
  /** Names the change in `moving`. */
  readonly name: string;
  /**
   * Whether the checkpoint may not be stored yet. Then the name stays in `moving`, and a search finds out.
   */
  readonly isUnsure: boolean;
  /** The checkpoint whose pending writes they are. */
  readonly checkpoint: CheckpointAddress;
  /** Where the thread stands, unless it stands higher already. */
  readonly stands: StoredStanding;
}

/**
 * The names of changes. They are few, so that a search asks for each by an equality: servers that go through all
 * of an index for a range would take long. Changes of one thread at one time seldom have the same.
 */
export const MOVE_NAMES: readonly string[] = Array.from({ length: 16 }, (_, index) =>
  index.toString(16),
);

/** The name of a change that the pending writes of a checkpoint begin. */
export function nameMove(checkpointId: string): string {
  let sum = 0;
  for (let index = 0; index < checkpointId.length; index += 1) {
    sum = (sum * 31 + checkpointId.charCodeAt(index)) % 65_521;
  }
  return MOVE_NAMES[sum % MOVE_NAMES.length]!;
}

/** The part of the opening fence. */
export function beginMove({ name }: StandingMove): UpdateFilter<Document> {
  return { $addToSet: { moving: name } };
}

/** The part of the closing fence. */
export function endMove({ name, isUnsure }: StandingMove): UpdateFilter<Document> {
  return isUnsure ? {} : { $pull: { moving: name } as unknown as PullOperator<Document> };
}

/**
 * Raises where a thread stands at a checkpoint. Updates of several writers give the same in any order. Only what
 * the latest checkpoint says counts; nothing happens where it is not stored yet.
 */
export function raiseStanding(
  checkpoint: CheckpointAddress,
  { code, at }: StoredStanding,
): ChainUpdate {
  return {
    filter: matchCheckpoint(checkpoint),
    update: { $max: { "stands.code": code, "stands.at": at } },
  };
}

/**
 * The fields of a record that end with a life of its thread: those of its entry, its retention, and those of its
 * way to the archive store and back.
 */
export const ENTRY_FIELDS: Readonly<Record<EntryField, "">> = {
  retention: "",
  head: "",
  stands: "",
  moving: "",
  created_at: "",
  rollbacks: "",
  metadata: "",
  fields: "",
  leaving: "",
  away: "",
  arriving: "",
};

type EntryField =
  | "retention"
  | "head"
  | "stands"
  | "moving"
  | "created_at"
  | "rollbacks"
  | "metadata"
  | "fields"
  | "leaving"
  | "away"
  | "arriving";

/** The greatest code of a standing. */
const MAX_CODE = 3;

/**
 * Checks what a record says for searches.
 *
 * @throws FieldFault if a field is not as this package writes it
 */
export function assertEntry(document: ThreadDocument): void {
  readOptionalDate("created_at", document.created_at);
  if (document.metadata !== undefined) readText("metadata", document.metadata);
  const rollbacks: unknown = document.rollbacks;
  if (rollbacks !== undefined && !isObject(rollbacks)) refuse("rollbacks", "an object", rollbacks);
  assertList("moving", document.moving, (name) => typeof name === "string");
  assertList("fields", document.fields, (field) => typeof field === "string");
  assertStanding(document);
}

/** Whether what a document says of where its thread stands is as this package writes it. */
export function isSoundStanding(document: Pick<ThreadDocument, "stands">): boolean {
  try {
    assertStanding(document);
    return true;
  } catch (error) {
    if (error instanceof FieldFault) return false;
    throw error;
  }
}

function assertStanding({ stands }: Pick<ThreadDocument, "stands">): void {
  const stored: unknown = stands;
  if (stored === undefined) return;
  if (!isObject(stored)) refuse("stands", "an object", stored);
  const { code, at } = stored as Partial<StoredStanding>;
  if (readWhole("stands.code", code, 0) > MAX_CODE) refuse("stands.code", "0 to 3", code);
  if (readOptionalDate("stands.at", at) === undefined) refuse("stands.at", "a date", at);
}

function assertList(field: string, value: unknown, isItem: (item: unknown) => boolean): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !value.every(isItem)) refuse(field, "a list", value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
