import type { SaverContext } from "../context/context.ts";
import { findChildren } from "../store/find-children.ts";
import type { Target } from "./find-target.ts";

/** Whether a checkpoint has children in the same life of its thread. */
export async function hasChildren(
  { store }: Pick<SaverContext, "store">,
  { record: { address, epoch } }: Target,
): Promise<boolean> {
  const children = await findChildren(store, address, [address.checkpointId]);
  return children.some((child) => (child.epoch ?? 0) === epoch);
}
