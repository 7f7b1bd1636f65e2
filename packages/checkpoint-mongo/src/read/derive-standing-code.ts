import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { raiseBy, readStanding, toCode } from "../records/standing.ts";
import { findWrites } from "../store/find-writes.ts";

/** The code of where a thread stands at a checkpoint, as that and its pending writes tell. */
export async function deriveStandingCode(
  { store }: Pick<SaverContext, "store">,
  document: CheckpointDocument,
  record: CheckpointRecord,
): Promise<number> {
  const sets = await findWrites(store, [document], [ERROR, INTERRUPT]);
  const ofLife = sets.filter(({ epoch = 0 }) => epoch === record.epoch);
  return toCode(raiseBy(ofLife.map(({ idx }) => idx)) ?? readStanding(record));
}
