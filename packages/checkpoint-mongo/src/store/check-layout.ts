import { listCollectionNames } from "../driver/list-collection-names.ts";
import { SetupError } from "../errors/setup-error.ts";
import type { Collections } from "./collections.ts";

/** The collections that the earlier layout, never released, had besides that of the threads. */
const EARLIER_COLLECTIONS = ["checkpoints", "segments", "writes"];

/**
 * Checks that there is nothing of the layout of four collections.
 *
 * @throws SetupError if there is
 */
export async function checkLayout({ db, all }: Collections, prefix: string): Promise<void> {
  const earlier = EARLIER_COLLECTIONS.map((suffix) => `${prefix}${suffix}`);
  const found = await listCollectionNames(db, earlier);
  // Others may have one collection of such a name, but hardly all three.
  if (found.length < earlier.length) return;
  throw new SetupError(
    `The database "${db.databaseName}" holds the collections ${earlier.join(", ")} of an earlier ` +
      `layout of this package, which was never released and is not read any more: now all ` +
      `documents lie in ${all.collectionName}. Drop these and ${all.collectionName}, or use another collectionPrefix.`,
  );
}
