import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  SegmentDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { type Corruption, asWrongField } from "../errors/corruption.ts";
import { hashAddress, hashSegmentPlace, hashWritesPlace } from "../integrity/hashes.ts";
import { parseCheckpoint } from "../records/parse-checkpoint.ts";
import { checkWriteSet } from "../records/parse-write-set.ts";
import { bytesToHex, hexToBytes } from "../driver/binary.ts";
import { FieldFault, readWhole, requireBytes, requireSame } from "../store/document-fields.ts";
import { findByIds } from "../store/find-by-ids.ts";
import { checkRecord } from "../store/mend-record.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import { countParts } from "../store/save-segments.ts";

/** Where a call wants to write. */
export interface WantedPlaces {
  /** The checkpoint to store, or that writes belong to. */
  readonly address: CheckpointAddress;
  readonly segments: readonly SegmentToStore[];
  /** The sets of pending writes to store, by task and place. */
  readonly sets?: readonly Pick<WriteSetDocument, "task_id" | "idx">[];
}

/** A place, and what must be true of the document in it. */
interface Place {
  readonly id: Uint8Array;
  readonly document: Corruption["document"];
  readonly check: (found: unknown) => void;
}

/**
 * Checks the documents in the places where a call wants to write, after it was refused several times.
 * Each `_id` is made of an address. So a document there with another address is damage, and it is in
 * the way of every attempt.
 *
 * @throws CorruptCheckpointError if there is such a document: it is named
 */
export async function lookForDamage(
  { store }: Pick<SaverContext, "store">,
  wanted: WantedPlaces,
): Promise<void> {
  const { address } = wanted;
  await checkRecord(store, address.threadId);
  const places = await listPlaces(store, wanted);
  const byId = new Map(places.map((place) => [bytesToHex(place.id), place]));
  const ids = places.map(({ id }) => id);
  for (const found of await findByIds(store, ids)) {
    const id = bytesToHex(found._id);
    const { document, check } = byId.get(id)!;
    try {
      check(found);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      throw new CorruptCheckpointError(
        address,
        { document, which: `with the _id ${id}`, ...asWrongField(error) },
        { cause: error, advice: ADVICE },
      );
    }
  }
}

const ADVICE =
  "It lies where this call has to write, so nothing was stored. Put the field right, or remove that " +
  "document, and try again.";

async function listPlaces(
  { encryption }: SaverContext["store"],
  { address, segments, sets = [] }: WantedPlaces,
): Promise<Place[]> {
  const { threadId } = address;
  const places: Place[] = [
    {
      id: hashAddress(address),
      document: "checkpoint",
      check: (found) => void parseCheckpoint(found as CheckpointDocument),
    },
    ...sets.map(({ task_id, idx }) => ({
      id: hashWritesPlace(address, task_id, idx),
      document: "write" as const,
      check: (found: unknown) => checkWriteSet(found as WriteSetDocument, address),
    })),
  ];
  for (const segment of segments) {
    const { root } = parseSegmentId(segment.id);
    const names = (await encryption?.listNames([threadId], [hexToBytes(root)])) ?? [];
    const name = names[0] === undefined ? root : bytesToHex(names.at(-1)!);
    for (let part = 0; part < (await countParts(segment)); part += 1) {
      places.push({
        id: hashSegmentPlace(threadId, name, part),
        document: "segment",
        check: (found) => checkSegmentPlace(found as SegmentDocument, { threadId, root, part }),
      });
    }
  }
  return places;
}

function checkSegmentPlace(
  document: SegmentDocument,
  { threadId, root, part }: { threadId: string; root: string; part: number },
): void {
  requireSame("thread_id", document.thread_id, threadId);
  requireSame("kind", document.kind, "segment");
  requireBytes("segment", document.segment, Buffer.from(root, "hex"));
  if (document.part !== part) throw new FieldFault("part", String(part), document.part);
  readWhole("appends", document.appends, 0);
}
