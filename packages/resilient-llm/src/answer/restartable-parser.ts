import { isRestart } from "./restartable-chunk.ts";

/** The part of LangChain's cumulative parsers that reads a stream. Other parsers join its chunks first. */
interface StreamParser {
  _transform?: (chunks: AsyncGenerator<object>) => AsyncGenerator;
}

/**
 * Makes a parser start over where the answer does. LangChain's cumulative parsers add up texts by
 * themselves, so they would read the new answer as the end of the old one.
 */
export function makeParserRestartable(parser: object): void {
  const read = (parser as StreamParser)._transform?.bind(parser);
  if (!read) return;
  Object.defineProperty(parser, "_transform", {
    configurable: true,
    enumerable: false,
    async *value(chunks: AsyncGenerator<object>) {
      let first: object | undefined;
      do {
        const answer = readToRestart(chunks, first);
        yield* read(answer.chunks());
        first = answer.restart;
      } while (first);
    },
  });
}

/** One answer of a stream, from its first chunk on, and the chunk with which the next one begins. */
function readToRestart(chunks: AsyncGenerator<object>, first: object | undefined) {
  const answer = {
    restart: undefined as object | undefined,
    async *chunks(): AsyncGenerator<object> {
      if (first) yield first;
      for (let step = await chunks.next(); !step.done; step = await chunks.next()) {
        if (isRestart(step.value)) {
          answer.restart = step.value;
          return;
        }
        yield step.value;
      }
    },
  };
  return answer;
}
