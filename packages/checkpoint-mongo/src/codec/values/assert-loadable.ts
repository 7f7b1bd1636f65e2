import { ClassNotAllowedError } from "../../errors/class-not-allowed-error.ts";
import { UnserializableStateError } from "../../errors/unserializable-state-error.ts";
import type { AllowedObjects } from "./allowed-objects.ts";
import { decodeValue } from "./decode-value.ts";
import { needsLoader } from "./needs-loader.ts";

/**
 * Checks that the LangChain objects in a value can be loaded again and are allowed. It is better to learn
 * that before a value is stored than when it is read.
 *
 * @param channel names the value in errors
 * @throws UnserializableStateError if one of them could not be loaded again
 */
export async function assertLoadable(
  text: string,
  channel: string,
  allowed: AllowedObjects | undefined,
): Promise<void> {
  if (!needsLoader(text)) return;
  try {
    await decodeValue(text, allowed);
  } catch (error) {
    const reason = ClassNotAllowedError.isInstance(error)
      ? `it holds an object of the LangChain class ${error.classId}, which the option ` +
        "allowedObjects does not name, so it could not be read."
      : `it holds a LangChain object that LangChain cannot load again: ${String(error)}.`;
    throw new UnserializableStateError(channel, channel, reason, { cause: error });
  }
}
