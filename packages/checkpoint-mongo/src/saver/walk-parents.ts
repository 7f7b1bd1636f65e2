import type { CheckpointDocument } from "../documents/index.ts";
import { findAncestors } from "../store/index.ts";
import type { SaverContext } from "./context.ts";

/** Ancestors read with one command. */
const PAGE_SIZE = 1_000;

/** The ancestors of a checkpoint on its parent chain, nearest first, unverified. */
export async function* walkParents(
  { collections }: SaverContext,
  checkpoint: CheckpointDocument,
): AsyncGenerator<CheckpointDocument> {
  let parentId = checkpoint.parent_checkpoint_id;
  let place = checkpoint;
  while (parentId !== undefined) {
    const page = await findAncestors(collections, place, PAGE_SIZE);
    for (const document of page) {
      // Checkpoints of other branches lie between.
      if (document.checkpoint_id !== parentId) continue;
      yield document;
      parentId = document.parent_checkpoint_id;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return;
    place = last;
  }
}
