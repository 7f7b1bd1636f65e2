import type { CheckpointAddress } from "../address/address.ts";
import { hashAddress } from "../integrity/hashes.ts";
import type { CopyLife } from "./copy-life.ts";
import type { Store } from "./store.ts";

/** Names the sets of pending writes that were copied with their checkpoints, as the option `witness` does. */
export async function nameSetsOf(
  { checkpoints }: Pick<Store, "checkpoints">,
  { threadId, epoch }: CopyLife,
  named: ReadonlyMap<
    string,
    { readonly address: CheckpointAddress; readonly marks: readonly Uint8Array[] }
  >,
): Promise<void> {
  if (named.size === 0) return;
  const operations = Array.from(named.values(), ({ address, marks }) => ({
    updateOne: {
      filter: { _id: hashAddress(address), thread_id: threadId, epoch },
      update: { $set: { sets: [...marks] } },
    },
  }));
  await checkpoints.bulkWrite(operations, { ordered: false });
}
