import { convertChunksToEvents } from "@langchain/core/language_models/compat";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { isRestart } from "./restartable-chunk.ts";

/**
 * LangChain's content-block events for a stream that may restart. LangChain's own conversion would
 * append the new answer to the old one. Here every block that has been started is emptied first.
 */
export async function* convertRestartableChunks(
  chunks: AsyncGenerator<ChatGenerationChunk>,
): AsyncGenerator<ChatModelStreamEvent> {
  let carried: ChatGenerationChunk | undefined;
  let hasMessageStarted = false;
  const startedBlocks = new Set<number>();
  do {
    let restart: ChatGenerationChunk | undefined;
    const first = carried;
    const segment = async function* () {
      if (first) yield first;
      for (let step = await chunks.next(); !step.done; step = await chunks.next()) {
        if (isRestart(step.value)) {
          restart = step.value;
          return;
        }
        yield step.value;
      }
    };
    for await (const event of convertChunksToEvents(segment())) {
      // What the conversion says after a restart is the end of the void answer.
      if (restart) break;
      if (event.event === "message-start") {
        if (hasMessageStarted) continue;
        hasMessageStarted = true;
      }
      if (event.event === "content-block-start") startedBlocks.add(event.index);
      yield event;
    }
    carried = restart;
    if (!restart) return;
    for (const index of startedBlocks) {
      yield { event: "content-block-start", index, content: { type: "text", text: "" } };
    }
  } while (carried);
}
