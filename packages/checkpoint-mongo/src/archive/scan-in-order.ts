import { readAddress } from "../address/read-address.ts";
import type { CheckpointDocument, DiscardedDocument } from "../documents/documents.ts";
import { bytesToHex } from "../driver/binary.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import { findByIds } from "../store/find-by-ids.ts";
import { listDiscarded, scanCheckpoints } from "../store/scan-thread.ts";
import type { Store } from "../store/store.ts";

/** A checkpoint of a thread, or one that a rollback has discarded. */
export type OrderedCheckpoint =
  | { readonly kind: "checkpoint"; readonly document: CheckpointDocument }
  | { readonly kind: "discarded"; readonly document: DiscardedDocument };

type Place = Pick<CheckpointDocument, "checkpoint_ns" | "seq">;

/**
 * All checkpoints of a thread, with those that rollbacks have discarded, by namespace and order. So a parent comes
 * before its children, also where a run has gone on from a discarded one.
 */
export async function* scanInOrder(
  store: Store,
  threadId: string,
): AsyncGenerator<OrderedCheckpoint> {
  const discarded = (await listDiscarded(store, threadId)).toSorted(compare);
  let at = 0;
  for await (const document of scanCheckpoints(store, threadId)) {
    const start = at;
    while (at < discarded.length && compare(discarded[at]!, document) < 0) at += 1;
    yield* load(store, discarded.slice(start, at));
    yield { kind: "checkpoint", document };
  }
  yield* load(store, discarded.slice(at));
}

/** Documents that are held at once. */
const BATCH_SIZE = 100;

async function* load(
  store: Store,
  places: readonly (Place & Pick<DiscardedDocument, "_id">)[],
): AsyncGenerator<OrderedCheckpoint> {
  for (let start = 0; start < places.length; start += BATCH_SIZE) {
    const ids = places.slice(start, start + BATCH_SIZE).map(({ _id }) => _id);
    const found = new Map(
      (await findByIds(store, ids)).map((document) => [bytesToHex(document._id), document]),
    );
    for (const id of ids) {
      const document = found.get(bytesToHex(id)) as
        | CheckpointDocument
        | DiscardedDocument
        | undefined;
      if (document?.kind === "discarded") yield { kind: "discarded", document };
      // A sweep may have removed it. One that is back may have been missed among the checkpoints.
      else if (document !== undefined) throw changed(document);
    }
  }
}

function changed(document: CheckpointDocument): CorruptCheckpointError {
  const address = readAddress(document);
  const fault = { field: "kind", expected: "discarded", found: document.kind };
  return new CorruptCheckpointError(
    address,
    { document: "checkpoint", which: address.checkpointId, ...asWrongField(fault) },
    { advice: "A rollback was undone meanwhile: export the thread again." },
  );
}

/** As the server compares. */
function compare(a: Place, b: Place): number {
  return (
    Buffer.compare(Buffer.from(a.checkpoint_ns), Buffer.from(b.checkpoint_ns)) || a.seq - b.seq
  );
}
