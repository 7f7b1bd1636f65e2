import {
  AIMessageChunk,
  type AIMessageChunkFields,
  type UsageMetadata,
} from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { AttemptStream } from "../attempt/stream-attempt.ts";
import { hasContent, StreamedContent } from "../attempt/streamed-content.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import { ContinuationJoiner } from "./continuation.ts";
import { makeRestartable, markRestart } from "./restartable-chunk.ts";

/** The parts of a message chunk beside its content. */
export interface ChunkFields {
  readonly additional_kwargs?: Record<string, unknown>;
  readonly response_metadata?: Record<string, unknown>;
  readonly tool_call_chunks?: AIMessageChunk["tool_call_chunks"];
  readonly usage_metadata?: UsageMetadata | undefined;
}

function createChunk(text: string, fields: ChunkFields = {}): ChatGenerationChunk {
  const { usage_metadata: usage, ...others } = fields;
  const message = new AIMessageChunk({ content: text, ...others } as AIMessageChunkFields);
  if (usage) Object.assign(message, { usage_metadata: usage });
  return new ChatGenerationChunk({ text, message });
}

/** White space alone is held back too: an answer of nothing else is an empty one. */
function saysSomething(chunk: ChatGenerationChunk): boolean {
  return hasContent(chunk) && (chunk.text === "" || chunk.text.trim() !== "");
}

/** The answer as the consumer has it, over all attempts. */
export class StreamedAnswer {
  /** What has been handed out and stands. */
  #content = new StreamedContent();
  #id: string | undefined;
  #hasUsage = false;
  #isTouched = false;
  #isRestartDue = false;
  #joiner: ContinuationJoiner | undefined;
  /** Chunks without content are held back: nobody must see an attempt that never says anything. */
  #held: ChatGenerationChunk[] = [];

  /** Nothing has ever been handed out. */
  get isUntouched(): boolean {
    return !this.#isTouched;
  }

  /** Something has been handed out and stands. */
  get hasBegun(): boolean {
    return this.#isTouched && !this.#isRestartDue;
  }

  get partial(): PartialAnswer {
    return { text: this.#content.text, hasToolCalls: this.#content.hasToolCalls };
  }

  /** The text that the next attempt takes up. `undefined`: it begins from the start. */
  get textToContinue(): string | undefined {
    return this.#joiner && this.#content.text;
  }

  /** Another attempt can take the answer up where it broke off. */
  get isContinuable(): boolean {
    return !this.#content.hasToolCalls && this.#content.text !== "";
  }

  /** The next attempt takes the answer up where it broke off. */
  continueNext(): void {
    // What an earlier joiner holds back was never seen. The next attempt says it again.
    this.#joiner = new ContinuationJoiner(this.#content.text);
  }

  /** The next attempt begins the answer anew. */
  restartNext(): void {
    this.#isRestartDue = true;
    this.#hasUsage = false;
    this.#joiner = undefined;
    this.#content = new StreamedContent();
  }

  /** Hands out what an attempt says. Returns how the attempt ended. */
  async *follow(attempt: AttemptStream): AttemptStream {
    this.#held = [];
    if (this.#joiner) this.continueNext();
    try {
      for (;;) {
        const step = await attempt.next();
        if (step.done) return step.value;
        const chunk = step.value;
        if (this.#joiner) {
          yield this.#handOut(this.#join(this.#joiner, chunk));
        } else if (this.hasBegun || saysSomething(chunk)) {
          if (this.#held.length > 0) yield* this.#releaseHeld();
          yield this.#handOut(chunk);
        } else {
          this.#held.push(chunk);
        }
      }
    } finally {
      // A consumer that stops reading ends the attempt too. After its end this does nothing.
      await attempt.return(undefined as never);
    }
  }

  /** The rest of a complete answer, and a last chunk with what is known of it as a whole. */
  *complete(fields: ChunkFields): Generator<ChatGenerationChunk> {
    const rest = this.#joiner?.flush() ?? "";
    if (rest !== "") yield this.#handOut(createChunk(rest));
    yield* this.#releaseHeld();
    // Consumers add usage up, so it is said once.
    const usage = this.#hasUsage ? undefined : fields.usage_metadata;
    yield this.#handOut(createChunk("", { ...fields, usage_metadata: usage }));
  }

  *#releaseHeld(): Generator<ChatGenerationChunk> {
    const ready = this.#held;
    this.#held = [];
    for (const chunk of ready) yield this.#handOut(chunk);
  }

  /** The part of a continuation's chunk that the consumer does not have yet. */
  #join(joiner: ContinuationJoiner, chunk: ChatGenerationChunk): ChatGenerationChunk {
    const text = chunk.text === "" ? "" : joiner.push(chunk.text);
    const { additional_kwargs, response_metadata, tool_call_chunks, usage_metadata } =
      chunk.message as AIMessageChunk;
    const fields = { additional_kwargs, response_metadata, usage_metadata };
    const joined = createChunk(
      text,
      tool_call_chunks?.length ? { ...fields, tool_call_chunks } : fields,
    );
    if (chunk.generationInfo) joined.generationInfo = chunk.generationInfo;
    return joined;
  }

  #handOut(chunk: ChatGenerationChunk): ChatGenerationChunk {
    const { message } = chunk;
    makeRestartable(chunk);
    if (this.#isRestartDue) {
      this.#isRestartDue = false;
      message.response_metadata = {
        ...message.response_metadata,
        resilience: { restarted: true },
      };
      markRestart(chunk);
    }
    this.#isTouched = true;
    this.#content.add(chunk);
    if ((message as AIMessageChunk).usage_metadata) this.#hasUsage = true;
    // One answer, one id: whatever groups chunks by id must not see two messages.
    this.#id ??= message.id;
    if (this.#id !== undefined) message.id = this.#id;
    return chunk;
  }
}
