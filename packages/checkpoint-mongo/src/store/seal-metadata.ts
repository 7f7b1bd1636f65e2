import type { ThreadDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** Metadata that goes from one life of a thread to the next: it is encrypted with the key of its life. */
export async function resealMetadata(
  store: Pick<Store, "encryption">,
  { thread_id: threadId, epoch, metadata }: ThreadDocument,
  nextEpoch: number,
): Promise<{ readonly former: unknown; readonly next: unknown } | undefined> {
  if (store.encryption === undefined || typeof metadata !== "string") return undefined;
  const seal = (of: number): Promise<unknown> =>
    sealMetadata(store, { threadId, epoch: of }, metadata);
  const sealed = await seal(epoch);
  const { isPlainAllowed } = store.encryption;
  return {
    former: isPlainAllowed ? { $in: [sealed, metadata] } : sealed,
    next: await seal(nextEpoch),
  };
}

/** The metadata of a thread as it is stored in one of its lives. */
export async function sealMetadata(
  { encryption }: Pick<Store, "encryption">,
  { threadId, epoch }: { readonly threadId: string; readonly epoch: number },
  metadata: string | undefined,
): Promise<unknown> {
  if (encryption === undefined || metadata === undefined) return metadata;
  const cipher = await encryption.keys.ensure(threadId, epoch);
  return encryption.sealer.sealThreadMetadata(cipher, metadata);
}
