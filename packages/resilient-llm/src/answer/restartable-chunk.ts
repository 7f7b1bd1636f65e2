import type { AIMessageChunk } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";

/**
 * The chunks that restart an answer. Other copies of this package do not see it, and need not: only what this
 * copy puts on its own chunks and around its own parsers asks.
 */
const RESTARTS = new WeakSet<object>();

interface Joinable {
  concat(other: this): this;
}

/** Gives one object a `concat` that forgets what came before a restart. */
function makeForgetful<T extends Joinable>(chunk: T, finish: (joined: T) => void): void {
  const join: (other: T) => T = chunk.concat.bind(chunk);
  // An own property, not a subclass: LangChain stores the class's name with a message, and a message of
  // a class that it does not know cannot be read from a checkpoint.
  Object.defineProperty(chunk, "concat", {
    configurable: true,
    enumerable: false,
    value(other: T): T {
      if (RESTARTS.has(other)) return other;
      const joined = join(other);
      if (RESTARTS.has(chunk)) RESTARTS.add(joined);
      finish(joined);
      return joined;
    },
  });
}

function makeMessageForgetful(message: AIMessageChunk): void {
  makeForgetful(message, makeMessageForgetful);
}

/**
 * Makes a restart void everything before it when `chunk` is joined with later ones. Works for chunks
 * of generations and for their messages, in any order of joining.
 */
export function makeRestartable(chunk: ChatGenerationChunk): ChatGenerationChunk {
  makeForgetful(chunk, makeRestartable);
  makeMessageForgetful(chunk.message as AIMessageChunk);
  return chunk;
}

/** Marks `chunk` as the first one of an answer that starts over. */
export function markRestart(chunk: ChatGenerationChunk): void {
  RESTARTS.add(chunk);
  RESTARTS.add(chunk.message);
}

/** Whether the answer starts over with `chunk`, a chunk of a generation or its message. */
export function isRestart(chunk: object): boolean {
  return RESTARTS.has(chunk);
}
