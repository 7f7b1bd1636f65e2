import type { StoredBytes } from "../driver/binary.ts";
import { condemnDocuments, pardonDocuments, removeCondemned } from "../store/condemn-documents.ts";
import type { Store } from "../store/store.ts";

/** A document that a sweep looks at. */
export interface SweptDocument {
  readonly _id: StoredBytes;
  readonly condemned_at?: Date;
}

/** How many documents a sweep has marked and removed. */
export interface SweptCounts {
  readonly condemned: number;
  readonly removed: number;
}

/**
 * Marks documents that are not in use and removes those that an earlier sweep has marked. The marks of the
 * others are taken off.
 *
 * @param before what was marked by then goes
 */
export async function sweepDocuments<T extends SweptDocument>(
  store: Pick<Store, "all">,
  documents: readonly T[],
  isInUse: (document: T) => boolean,
  before: Date,
): Promise<SweptCounts> {
  const byUse = Map.groupBy(documents, isInUse);
  const orphans = byUse.get(false) ?? [];
  const fresh = orphans.filter((document) => !isMarked(document));
  await pardonDocuments(store, listIds((byUse.get(true) ?? []).filter(isMarked)));
  await condemnDocuments(store, listIds(fresh));
  const removed = await removeCondemned(store, listIds(orphans.filter(isMarked)), before);
  return { condemned: fresh.length, removed };
}

function isMarked({ condemned_at }: SweptDocument): boolean {
  return condemned_at !== undefined;
}

function listIds(documents: readonly SweptDocument[]): readonly StoredBytes[] {
  return documents.map(({ _id }) => _id);
}
