import type { AIMessageChunk } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import type { AttemptStream } from "../attempt/stream-attempt.ts";

/** Puts the chunks of an attempt together to the message that its consumer will have in the end. */
export class WholeAnswer {
  #message: AIMessageChunk | undefined;

  /** The message of the last attempt, as far as it has come. */
  get message(): AIMessageChunk | undefined {
    return this.#message;
  }

  /** Hands on what an attempt says. */
  async *follow(attempt: AttemptStream): AttemptStream {
    this.#message = undefined;
    try {
      for (;;) {
        const step = await attempt.next();
        if (step.done) return step.value;
        const message = step.value.message as AIMessageChunk;
        this.#message = this.#message ? concat(this.#message, message) : message;
        yield step.value;
      }
    } finally {
      await attempt.return(undefined as never);
    }
  }
}
