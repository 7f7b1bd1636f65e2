import type { AIMessageChunk } from "@langchain/core/messages";

/** The text of a streamed answer, its chunks joined as LangChain joins them. */
export async function joinText(stream: AsyncIterable<AIMessageChunk>): Promise<string> {
  let joined: AIMessageChunk | undefined;
  for await (const chunk of stream) joined = joined === undefined ? chunk : joined.concat(chunk);
  return joined?.text ?? "";
}
