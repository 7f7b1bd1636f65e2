import { UnserializableStateError } from "../errors/index.ts";
import { decodeValue } from "./decode-value.ts";
import { needsLoader } from "./needs-loader.ts";

/**
 * LangChain's loader cannot load every object that serializes itself. Better to hear of it before a
 * value is stored than when it is read.
 *
 * @param channel names the value in errors
 * @throws UnserializableStateError if the encoded value could not be loaded again
 */
export async function assertLoadable(text: string, channel: string): Promise<void> {
  if (!needsLoader(text)) return;
  try {
    await decodeValue(text);
  } catch (error) {
    throw new UnserializableStateError(
      channel,
      channel,
      `it holds a LangChain object that LangChain cannot load again: ${String(error)}.`,
      { cause: error },
    );
  }
}
