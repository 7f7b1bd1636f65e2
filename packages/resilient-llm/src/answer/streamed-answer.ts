import { randomUUID } from "node:crypto";
import { AIMessageChunk, type UsageMetadata } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { AttemptStream } from "../attempt/stream-attempt.ts";
import { hasContent, StreamedContent } from "../attempt/streamed-content.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import { ContinuationJoiner } from "./continuation-joiner.ts";
import { createTextChunk, findTextBlock, type TextBlock, withoutWords } from "./chunk-text.ts";
import { makeRestartable, markRestart } from "./restartable-chunk.ts";

/** The parts of a message chunk beside its content. */
export interface ChunkFields {
  readonly additional_kwargs?: Record<string, unknown>;
  readonly response_metadata?: Record<string, unknown>;
  readonly tool_call_chunks?: AIMessageChunk["tool_call_chunks"];
  readonly usage_metadata?: UsageMetadata | undefined;
}

function createChunk(fields: ChunkFields): ChatGenerationChunk {
  // What is assigned later is missing where LangGraph serializes the message.
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const message = new AIMessageChunk({ content: "", ...Object.fromEntries(given) });
  return new ChatGenerationChunk({ text: "", message });
}

/** White space alone is held back too: an answer of nothing else is an empty one. */
function saysSomething(chunk: ChatGenerationChunk): boolean {
  return hasContent(chunk) && (chunk.text === "" || chunk.text.trim() !== "");
}

function hasToolCall({ message }: ChatGenerationChunk): boolean {
  return Boolean((message as AIMessageChunk).tool_call_chunks?.length);
}

/** How an attempt was asked, as far as it decides what is handed out of its answer. */
export interface AskedManner {
  /** It was given the text to continue as the end of its prompt. */
  readonly isPrefilled: boolean;
  /** It was offered tools, or may have been. */
  readonly offersTools: boolean;
}

/** How the next attempt takes up what has been handed out. */
export type Resumption =
  /** It is asked for the rest. */
  | "continue"
  /** It is asked the same again, and what has been handed out is left out. */
  | "repeat"
  /** It is asked the same again, and its first chunk says that the answer starts over. */
  | "restart";

/** How an attempt ended. `unjoinable`: it does not take up what has been handed out. */
export type FollowedOutcome = AttemptOutcome<undefined> | { readonly status: "unjoinable" };

/** The answer as the consumer has it, over all attempts. */
export class StreamedAnswer {
  readonly #mayRestart: boolean;
  /** What has been handed out and stands. */
  #content = new StreamedContent();
  #id: string | undefined;
  #hasUsage = false;
  #isTouched = false;
  #isRestartDue = false;
  #resumption: "continue" | "repeat" | undefined;
  /** Chunks without content are held back: nobody must see an attempt that never says anything. */
  #held: ChatGenerationChunk[] = [];
  /** The attempt has begun a call of a tool that nobody offered: all that follows is held back. */
  #isHoldingAll = false;
  #offersTools = true;
  #block: TextBlock | undefined;
  /** Text that is to be handed out before anything else. */
  #journaled: string | undefined;
  #isResumed = false;

  /**
   * @param mayRestart Chunks are made so that a later one can void them.
   * @param journaled What an earlier process was told of the answer. It is handed out with what continues it.
   */
  constructor(mayRestart: boolean, journaled?: string) {
    this.#mayRestart = mayRestart;
    if (journaled === undefined) return;
    this.#content.add(createTextChunk(journaled, undefined));
    this.#journaled = journaled;
    this.#resumption = "continue";
    this.#isResumed = true;
  }

  /** Nothing has ever been handed out. */
  get isUntouched(): boolean {
    return !this.#isTouched;
  }

  /** Something has been handed out and stands. */
  get hasBegun(): boolean {
    return this.#isTouched && !this.#isRestartDue;
  }

  /** It goes on from what the journal had. */
  get isResumed(): boolean {
    return this.#isResumed;
  }

  /** At most reasoning has been handed out. */
  get saysNothing(): boolean {
    return this.isText && this.#content.text.trim() === "";
  }

  get partial(): PartialAnswer {
    return { text: this.#content.text, hasToolCalls: this.#content.hasToolCalls };
  }

  /** The text that the next attempt is asked to take up. `undefined`: it is asked for a whole answer. */
  get textToContinue(): string | undefined {
    return this.#resumption === "continue" ? this.#content.text : undefined;
  }

  /** Nothing but text and reasoning has been handed out. */
  get isText(): boolean {
    return !this.#content.hasToolCalls && !this.#content.hasOtherBlocks;
  }

  /** What the journal had is not continued. Nobody has seen it. */
  startOver(): void {
    this.#journaled = undefined;
    this.#isResumed = false;
    this.#resumption = undefined;
    this.#content = new StreamedContent();
  }

  /** The next attempt takes the answer up in this way. */
  resumeBy(resumption: Resumption): void {
    if (resumption !== "restart") {
      this.#resumption = resumption;
      return;
    }
    this.#resumption = undefined;
    this.#isRestartDue = true;
    this.#hasUsage = false;
    this.#content = new StreamedContent();
  }

  /**
   * Hands out what an attempt says. Returns how the attempt ended.
   *
   * @param manner How the attempt was asked.
   */
  async *follow(
    attempt: AttemptStream,
    { isPrefilled, offersTools }: AskedManner,
  ): AsyncGenerator<ChatGenerationChunk, FollowedOutcome> {
    this.#held = [];
    this.#isHoldingAll = false;
    this.#offersTools = offersTools;
    const joiner = this.#createJoiner(isPrefilled);
    try {
      for (;;) {
        const step = await attempt.next();
        if (step.done) {
          const outcome = step.value;
          if (!joiner || outcome.status !== "succeeded") return outcome;
          // What a joiner holds back of a failed attempt was never seen. The next one says it again.
          const rest = joiner.finish();
          if (rest !== "") yield this.#handOut(createTextChunk(rest, this.#block));
          return joiner.isUnrecognised ? { status: "unjoinable" } : outcome;
        }
        const chunk = step.value;
        if (joiner) {
          yield* this.#join(joiner, chunk);
          if (joiner.isUnrecognised) return { status: "unjoinable" };
        } else {
          yield* this.#take(chunk);
        }
      }
    } finally {
      // A consumer that stops reading ends the attempt too. After its end this does nothing.
      await attempt.return(undefined as never);
    }
  }

  /** The rest of a complete answer, and a last chunk with what is known of it as a whole. */
  *complete(fields: ChunkFields): Generator<ChatGenerationChunk> {
    yield* this.#releaseHeld();
    // Consumers add usage up, so it is said once.
    const usage = this.#hasUsage ? undefined : fields.usage_metadata;
    yield this.#handOut(createChunk({ ...fields, usage_metadata: usage }));
  }

  #createJoiner(isPrefilled: boolean): ContinuationJoiner | undefined {
    if (this.#resumption === undefined) return undefined;
    const { text } = this.#content;
    if (this.#resumption === "repeat") return new ContinuationJoiner(text, "from-start");
    return new ContinuationJoiner(text, isPrefilled ? "prefilled" : "last-words");
  }

  /** Hands a chunk out, or holds it back until the attempt says something. */
  *#take(chunk: ChatGenerationChunk): Generator<ChatGenerationChunk> {
    // Nobody waits for it, and once handed out it could not be taken up again if it breaks off.
    this.#isHoldingAll ||= !this.#offersTools && hasToolCall(chunk);
    if (this.#isHoldingAll) {
      this.#held.push(chunk);
      return;
    }
    if (!saysSomething(chunk) && (!this.hasBegun || this.#resumption)) {
      this.#held.push(chunk);
      return;
    }
    if (this.#held.length > 0) yield* this.#releaseHeld();
    yield this.#handOut(chunk);
  }

  *#releaseHeld(): Generator<ChatGenerationChunk> {
    const ready = this.#held;
    this.#held = [];
    for (const chunk of ready) yield this.#handOut(chunk);
  }

  /** Hands out the part of a chunk that the consumer does not have yet. */
  *#join(joiner: ContinuationJoiner, chunk: ChatGenerationChunk): Generator<ChatGenerationChunk> {
    const text = joiner.push(chunk.text);
    const rest = withoutWords(chunk);
    if (hasContent(rest)) {
      // A tool call or an image comes after the text, so there is no more text to wait for.
      yield* this.#handOutText(text + joiner.finish());
      if (joiner.isUnrecognised) return;
    } else {
      yield* this.#handOutText(text);
    }
    yield* this.#take(rest);
  }

  *#handOutText(text: string): Generator<ChatGenerationChunk> {
    if (text !== "") yield* this.#take(createTextChunk(text, this.#block));
  }

  #handOut(next: ChatGenerationChunk): ChatGenerationChunk {
    const chunk = this.#addJournaled(next);
    const message = chunk.message as AIMessageChunk;
    if (this.#mayRestart) makeRestartable(chunk);
    if (this.#isRestartDue) {
      this.#isRestartDue = false;
      message.response_metadata = {
        ...message.response_metadata,
        resilience: { restarted: true },
      };
      markRestart(chunk);
    }
    this.#isTouched = true;
    this.#content.add(next);
    this.#block = findTextBlock(message) ?? this.#block;
    if (message.usage_metadata) this.#hasUsage = true;
    // One answer, one id: whatever groups chunks by id must not see two messages.
    this.#id ??= message.id ?? `run-${randomUUID()}`;
    message.id = this.#id;
    // LangGraph's wire format, and whatever else serializes messages, reads it here.
    message.lc_kwargs["id"] = this.#id;
    return chunk;
  }

  #addJournaled(chunk: ChatGenerationChunk): ChatGenerationChunk {
    if (this.#journaled === undefined) return chunk;
    const text = createTextChunk(this.#journaled, undefined);
    this.#journaled = undefined;
    return text.concat(chunk);
  }
}
