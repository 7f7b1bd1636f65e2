import { isDeepStrictEqual } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { type StoredBytes, isBinary, toBytes } from "../driver/binary.ts";
import { listSegments } from "../documents/manifest.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { asMissing, asWrongField } from "../errors/corruption.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { readAddress } from "../address/read-address.ts";
import { splitSearchable } from "../records/search-tokens.ts";
import { toSearchable } from "../records/searchable-metadata.ts";
import { scanCheckpoints, scanDiscarded } from "../store/scan-thread.ts";
import type { DamageList } from "./damage-list.ts";
import { isLateChild, readPruneMarks, type PruneMarks } from "./pruned-parents.ts";
import type { References } from "./references.ts";
import type { ThreadInForce } from "./thread-in-force.ts";

/**
 * What the verification of a chain needs of a checkpoint. All of a thread's are held at once. So bytes are
 * copied: those out of a reply would keep all of the reply in memory.
 */
type Link = Pick<
  CheckpointRecord,
  "address" | "parentCheckpointId" | "parentHash" | "hash" | "formerHashes" | "seq"
> &
  PruneMarks;

/** What is left to verify after the checkpoints. */
export interface VerifiedCheckpoints {
  readonly count: number;
  /** The `_id` of each checkpoint, to which pending writes point. */
  readonly ids: readonly StoredBytes[];
}

/**
 * Verifies each checkpoint of a thread, and the chains and orders that they make.
 *
 * @param references takes the segments that those refer to which are as they were written
 */
export async function verifyCheckpoints(
  context: SaverContext,
  thread: ThreadInForce,
  references: References,
  damages: DamageList,
): Promise<VerifiedCheckpoints> {
  const links: Link[] = [];
  const take = (document: CheckpointDocument): CheckpointRecord => {
    const record = readRecord(document, context.hasher);
    links.push(toLink(document, record, context.hasher));
    for (const id of listSegments(record.manifest)) references.add(id);
    return record;
  };
  const ids: StoredBytes[] = [];
  let count = 0;
  const last = new Map<string, { address: CheckpointAddress; marked: boolean }>();
  for await (const document of scanCheckpoints(context.store, thread.threadId)) {
    if (thread.isOnItsWayOut(document)) continue;
    ids.push(isBinary(document._id) ? new Uint8Array(toBytes(document._id)) : document._id);
    const address = readAddress(document);
    const name = { document: "checkpoint", which: address.checkpointId } as const;
    const invented = thread.findInvented(document, name);
    if (invented !== undefined) {
      damages.add(address, invented);
      continue;
    }
    count += 1;
    last.set(address.checkpointNs, { address, marked: document.head === true });
    await damages.collect(address, async () => {
      await verifySearchable(context, document, take(document));
    });
    const stray = thread.findStrayExpiry(document, name);
    if (stray !== undefined) damages.add(address, stray);
  }
  for (const { address, marked } of last.values()) {
    if (!marked)
      damages.add(address, {
        document: "checkpoint",
        which: "that comes after it",
        ...asMissing(),
      });
  }
  // What a rollback has discarded may come back, and a run that was under way may have put children of it.
  for await (const discarded of scanDiscarded(context.store, thread.threadId)) {
    const document = { ...discarded, kind: "checkpoint" } as const;
    if (thread.isOnItsWayOut(document)) continue;
    await damages.collect(readAddress(document), () => void take(document));
  }
  verifyChain(links, damages);
  return { count, ids };
}

function toLink(
  document: Pick<CheckpointDocument, "cut" | "pruned" | "moved_from" | "key_name">,
  record: CheckpointRecord,
  hasher: Hasher,
): Link {
  const { address, parentCheckpointId, parentHash, hash, formerHashes, seq } = record;
  return {
    address,
    parentCheckpointId,
    parentHash: parentHash && new Uint8Array(parentHash),
    hash: new Uint8Array(hash),
    formerHashes,
    seq,
    ...readPruneMarks(document, record, hasher),
  };
}

/** Searches use a copy of the metadata. If the copy is not complete, no hash covers it. */
async function verifySearchable(
  { serializer, store: { encryption } }: SaverContext,
  { metadata, metadata_encoded: encoded, tokens }: CheckpointDocument,
  record: CheckpointRecord,
): Promise<void> {
  if (encoded === undefined || !serializer.isNative) return;
  const decoded = (await decodeMetadata(record, { serializer })) ?? {};
  const expected = typeof decoded === "object" ? toSearchable(decoded) : undefined;
  if (isDeepStrictEqual(metadata, expected) && tokens === undefined) return;
  if (encryption !== undefined) {
    // What lies in clear text is up to the settings that it was stored with.
    const searchable = new Set(Object.keys(metadata ?? {}));
    const sealed = splitSearchable(expected ?? {}, {
      secrets: encryption.secrets,
      searchable,
    });
    if (isDeepStrictEqual({ clear: metadata, tokens: tokens ?? [] }, sealed)) return;
  }
  throw new CorruptCheckpointError(record.address, {
    document: "checkpoint",
    which: record.address.checkpointId,
    ...asWrongField({
      field: "metadata",
      expected: "what a search can find of metadata_encoded",
      found: "something else",
    }),
  });
}

/** Each checkpoint covers its parent's hash, so what was removed, edited or put back shows. */
function verifyChain(records: readonly Link[], damages: DamageList): void {
  const byPlace = new Map(records.map((record) => [formatPlace(record.address), record]));
  const byNamespace = Map.groupBy(records, ({ address }) => address.checkpointNs);
  for (const link of records) {
    const { address, parentCheckpointId, parentHash, seq, isCut } = link;
    if (parentCheckpointId === undefined || parentHash === undefined) continue;
    const parent = byPlace.get(formatPlace({ ...address, checkpointId: parentCheckpointId }));
    if (parent === undefined) {
      if (isCut || isLateChild(link, byNamespace.get(address.checkpointNs)!)) continue;
      damages.add(address, { document: "checkpoint", which: parentCheckpointId, ...asMissing() });
    } else if (!isHashOf(parent, parentHash) || parent.seq >= seq) {
      damages.add(address, {
        document: "checkpoint",
        which: parentCheckpointId,
        reason: "wrong-hash",
        expected: `the hash ${toHex(parentHash)}, and a place in the order before ${seq}`,
        found: `the hash ${toHex(parent.hash)} in place ${parent.seq}`,
      });
    }
  }
}

/** A child may have been put while a rollback gave its parent another place in the order. */
function isHashOf({ hash, formerHashes = [] }: Link, expected: Uint8Array): boolean {
  return [hash, ...formerHashes].some((own) => Buffer.compare(own, expected) === 0);
}

function formatPlace({ checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
