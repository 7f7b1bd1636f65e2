import { INTERRUPT, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import type { NamespaceAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { KnownHead } from "../memory/cache-room.ts";
import { hasWrite } from "../store/find-writes.ts";
import type { ReplacedCheckpoint } from "../store/save-checkpoint.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * What becomes of the latest checkpoints of a namespace when the next one is stored: they stay as
 * its history, or go, as the `persist` option asks for.
 */
export async function chooseReplaced(
  { store, settings: { persist } }: Pick<SaverContext, "store" | "settings">,
  { address, snapshot }: { readonly address: NamespaceAddress; readonly snapshot: Snapshot },
  { latest, stale }: KnownHead,
): Promise<readonly ReplacedCheckpoint[]> {
  const mayGo = persist !== "every" && !snapshot.needsAncestors;
  const replaced: ReplacedCheckpoint[] = [];
  for (const { checkpointId, seq } of latest === undefined ? [] : [latest, ...stale]) {
    const place = { ...address, checkpointId };
    const isKept =
      !mayGo ||
      (persist === "interrupts" && (await hasWrite(store, place, WRITES_IDX_MAP[INTERRUPT]!)));
    replaced.push({ checkpointId, seq, isRemoved: !isKept });
  }
  return replaced;
}
