import type { CheckpointDocument, DocumentKind } from "../documents/documents.ts";
import { announceRemoval, type Removal } from "./removals.ts";
import type { Store } from "./store.ts";

/** The latest checkpoints of the namespaces of tasks: those whose names have a task's id. */
export async function findTaskHeads(
  { checkpoints }: Pick<Store, "checkpoints">,
  threadId: string,
): Promise<readonly CheckpointDocument[]> {
  const found = await checkpoints
    // With the kind: the development server finds nothing by an index of which a field between is left out.
    .find({ thread_id: threadId, kind: "checkpoint", head: true })
    .toArray();
  return found.filter(
    ({ checkpoint_ns: namespace }) => typeof namespace === "string" && namespace.includes(":"),
  );
}

/** Announces and carries out the removal of all checkpoints of namespaces, then of their pending writes. */
export async function removeNamespaces(
  { all }: Pick<Store, "all">,
  removal: Removal,
  namespaces: readonly string[],
): Promise<void> {
  const { threadId, epoch } = removal;
  const kinds: readonly DocumentKind[] = ["checkpoint", "writes"];
  const operations = kinds.flatMap((kind) =>
    namespaces.map((namespace) => ({
      deleteMany: {
        filter: {
          thread_id: threadId,
          kind,
          checkpoint_ns: namespace,
          // The first life has no number.
          epoch: epoch === 0 ? null : epoch,
        },
      },
    })),
  );
  await all.bulkWrite([{ updateOne: announceRemoval(removal) }, ...operations], { ordered: true });
}
