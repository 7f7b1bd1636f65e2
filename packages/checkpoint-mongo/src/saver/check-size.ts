import type { CheckpointAddress } from "../address/address.ts";
import { CheckpointTooLargeError } from "../errors/index.ts";
import type { SaverContext } from "./context.ts";
import type { ChannelSizes } from "./measure-state.ts";

/** So many channels are named where a checkpoint is too large. */
const NAMED_CHANNELS = 5;

/**
 * Reports a checkpoint that has grown over a limit of `onCheckpointSize`.
 *
 * @param before the sizes of the parent's channels, if they are known: what was over the soft limit
 *   already is not reported again
 * @throws CheckpointTooLargeError if it is over the hard limit
 */
export function checkSize(
  { settings }: Pick<SaverContext, "settings">,
  address: CheckpointAddress,
  sizes: ChannelSizes,
  before: ChannelSizes | undefined,
): void {
  const { softLimitBytes = Infinity, hardLimitBytes = Infinity } = settings.onCheckpointSize ?? {};
  const bytes = sum(sizes);
  const limit = bytes > hardLimitBytes ? "hard" : "soft";
  const limitBytes = limit === "hard" ? hardLimitBytes : softLimitBytes;
  if (bytes <= limitBytes) return;
  if (limit === "soft" && before !== undefined && sum(before) > limitBytes) return;
  const largestChannels = Array.from(sizes, ([channel, own]) => ({ channel, bytes: own }))
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, NAMED_CHANNELS);
  const size = { bytes, limitBytes, largestChannels };
  settings.onEvent({ type: "checkpoint-size", ...address, ...size, limit });
  if (limit === "hard") throw new CheckpointTooLargeError(address, size);
}

function sum(sizes: ChannelSizes): number {
  let bytes = 0;
  for (const own of sizes.values()) bytes += own;
  return bytes;
}
