import {
  AIMessageChunk,
  type AIMessageChunkFields,
  type UsageMetadata,
} from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { StreamRecovery } from "../options/resilient-chat-model-options.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { CallContext, CallRequest } from "../call/call-context.ts";
import { Call } from "../call/call.ts";
import { hasContent } from "../attempt/chunk-content.ts";
import { askToContinue, ContinuationJoiner } from "./continuation.ts";
import { describeResilience, toUsageMetadata } from "./resilience-metadata.ts";
import { makeRestartable, markRestart } from "./restartable-chunk.ts";
import { streamOnce } from "./stream-once.ts";

/** The parts of a message chunk that aren't its content. */
interface ChunkFields {
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

/** The answer as the consumer has it so far, over all attempts. */
class StreamedAnswer {
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #call: Call;
  #text = "";
  #hasToolCalls = false;
  #id: string | undefined;
  #restartDue = false;
  #joiner: ContinuationJoiner | undefined;
  /** Chunks without content are held back: nobody must see an attempt that never said anything. */
  #held: ChatGenerationChunk[] = [];
  #begun = false;

  constructor(context: CallContext, request: CallRequest, call: Call) {
    this.#context = context;
    this.#request = request;
    this.#call = call;
  }

  /** Something has been handed out and stands. */
  get begun(): boolean {
    return this.#begun && !this.#restartDue;
  }

  /** Nothing has ever been handed out. */
  get untouched(): boolean {
    return !this.#begun;
  }

  get partial(): { readonly text: string; readonly hasToolCalls: boolean } {
    return { text: this.#text, hasToolCalls: this.#hasToolCalls };
  }

  /** The text the next attempt is to take up; `undefined` if it begins from the start. */
  get continues(): string | undefined {
    return this.#joiner === undefined ? undefined : this.#text;
  }

  /** An attempt begins. */
  begin(): void {
    this.#held = [];
    if (this.#joiner) this.#joiner = new ContinuationJoiner(this.#text);
  }

  /** Hands out what an attempt says; returns how it ended. */
  async *follow(
    attempt: AsyncGenerator<ChatGenerationChunk, AttemptOutcome<undefined>>,
  ): AsyncGenerator<ChatGenerationChunk, AttemptOutcome<undefined>> {
    try {
      for (;;) {
        const step = await attempt.next();
        if (step.done) return step.value;
        yield* this.#accept(step.value);
      }
    } finally {
      // A consumer that stops reading ends the attempt too; after its end this does nothing.
      await attempt.return(undefined as never);
    }
  }

  /** Chunks to hand out for `chunk`. */
  *#accept(chunk: ChatGenerationChunk): Generator<ChatGenerationChunk> {
    if (!this.#joiner) {
      this.#held.push(chunk);
      if (!hasContent(chunk) && !this.begun) return;
      const ready = this.#held;
      this.#held = [];
      for (const one of ready) yield this.#handOut(one);
      return;
    }
    const text = chunk.text === "" ? "" : this.#joiner.push(chunk.text);
    const { additional_kwargs, response_metadata, tool_call_chunks, usage_metadata } =
      chunk.message as AIMessageChunk;
    const fields = { additional_kwargs, response_metadata, usage_metadata };
    const joined = createChunk(
      text,
      tool_call_chunks?.length ? { ...fields, tool_call_chunks } : fields,
    );
    if (chunk.generationInfo) joined.generationInfo = chunk.generationInfo;
    yield this.#handOut(joined);
  }

  /** What is left to hand out when the answer is complete. */
  *complete(
    outcome: AttemptOutcome<undefined> & { status: "succeeded" },
  ): Generator<ChatGenerationChunk> {
    const rest = this.#joiner?.flush() ?? "";
    if (rest !== "") yield this.#handOut(createChunk(rest));
    for (const one of this.#held) yield this.#handOut(one);
    const resilience = describeResilience(
      this.#call.records,
      outcome.usage,
      outcome.facts.finishReason,
    );
    yield this.#handOut(
      createChunk("", {
        response_metadata: { resilience },
        usage_metadata: outcome.usage.estimated ? toUsageMetadata(outcome.usage) : undefined,
      }),
    );
  }

  /** An attempt broke off after something had been handed out. */
  recover(recovery: StreamRecovery): void {
    const { events } = this.#context;
    const wantsJson = "response_format" in this.#request.options;
    if (recovery === "continue" && !this.#hasToolCalls && !wantsJson && this.#text !== "") {
      // Whatever an earlier joiner still holds back was never seen: the next attempt says it again.
      this.#joiner = new ContinuationJoiner(this.#text);
      events.emit({ type: "stream-continued", callId: this.#call.id, keptText: this.#text });
      return;
    }
    events.emit({ type: "stream-restarted", callId: this.#call.id, discardedText: this.#text });
    this.#restartDue = true;
    this.#joiner = undefined;
  }

  #handOut(chunk: ChatGenerationChunk): ChatGenerationChunk {
    const { message } = chunk;
    makeRestartable(chunk);
    if (this.#restartDue) {
      this.#restartDue = false;
      this.#text = "";
      this.#hasToolCalls = false;
      message.response_metadata = {
        ...message.response_metadata,
        resilience: { restarted: true },
      };
      markRestart(chunk);
    }
    this.#begun = true;
    this.#text += chunk.text;
    if (AIMessageChunk.isInstance(message) && message.tool_call_chunks?.length) {
      this.#hasToolCalls = true;
    }
    // One answer, one id: whatever groups chunks by id must not see two messages.
    this.#id ??= message.id;
    if (this.#id !== undefined) message.id = this.#id;
    return chunk;
  }
}

/**
 * Gets a streamed answer, over as many attempts as it takes. A failure before the first content is
 * repaired unseen; after it the recovery mode decides.
 */
export async function* runStream(
  context: CallContext,
  request: CallRequest,
  recovery: StreamRecovery,
): AsyncGenerator<ChatGenerationChunk> {
  const call = new Call(context, request);
  const answer = new StreamedAnswer(context, request, call);
  for (;;) {
    const { continues } = answer;
    const prepared = await call.prepare(continues === undefined ? [] : askToContinue(continues));
    if (prepared instanceof Error) throw prepared;
    answer.begin();
    const attempt = streamOnce(context, request, call, prepared, answer.untouched);
    const outcome = yield* answer.follow(attempt);
    if (outcome.status === "aborted") throw outcome.reason;
    if (outcome.status === "succeeded") {
      yield* answer.complete(outcome);
      return;
    }
    if (!answer.begun) continue;
    if (recovery === "error") throw call.interrupt(outcome.failure, answer.partial);
    call.keepPartial(answer.partial);
    answer.recover(recovery);
  }
}
