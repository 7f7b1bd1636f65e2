import { isTooLong, MAX_BYTES } from "../address/limits.ts";
import { UnserializableStateError } from "../errors/unserializable-state-error.ts";
import { describeValue } from "../options/describe-value.ts";

/**
 * Checks the name of a channel that is written to.
 *
 * @param path where it stands
 * @throws UnserializableStateError if it cannot be stored as it is
 */
export function checkChannelName(name: unknown, path: string): void {
  if (typeof name !== "string" || !name.isWellFormed()) {
    const shown = typeof name === "string" ? name.toWellFormed() : describeValue(name);
    const reason = "a channel's name must be a string of whole Unicode characters.";
    throw new UnserializableStateError(shown, path, reason);
  }
  checkChannelLength(name, path);
}

/**
 * Checks how long the name of a channel is.
 *
 * @param path where it stands
 * @throws UnserializableStateError if it is too long
 */
export function checkChannelLength(name: string, path: string): void {
  const { channel: maxBytes } = MAX_BYTES;
  if (!isTooLong(name, maxBytes)) return;
  throw new UnserializableStateError(
    `${name.slice(0, 40).toWellFormed()}…`,
    path,
    `a channel's name may take ${maxBytes} bytes, and this one takes ${Buffer.byteLength(name)}.`,
  );
}
