import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { addUsage, noUsage, readUsage, type TokenUsage } from "../cost/token-usage.ts";
import type { AnswerFacts } from "./attempt-outcome.ts";
import { carriesAnswer } from "./judge-emptiness.ts";
import { readFacts } from "./judge-finish.ts";
import { StreamedContent } from "./streamed-content.ts";

/** What the chunks of one attempt add up to: content, facts about the answer, usage. */
export class StreamTally {
  readonly #content = new StreamedContent();
  #facts: AnswerFacts = {
    finishReason: undefined,
    responseId: undefined,
    responseModel: undefined,
  };
  #reported: TokenUsage | undefined;
  #carriesAnswer = false;

  get facts(): AnswerFacts {
    return this.#facts;
  }

  /** Something of the answer itself has come, not only reasoning or white space. */
  get carriesAnswer(): boolean {
    return this.#carriesAnswer;
  }

  add(chunk: ChatGenerationChunk): void {
    this.#content.add(chunk);
    const { message } = chunk;
    this.#carriesAnswer ||= carriesAnswer(message);
    const { finishReason, responseId, responseModel } = readFacts(message, chunk.generationInfo);
    this.#facts = {
      finishReason: finishReason ?? this.#facts.finishReason,
      responseId: this.#facts.responseId ?? responseId,
      responseModel: responseModel ?? this.#facts.responseModel,
    };
    if (!AIMessageChunk.isInstance(message)) return;
    const usage = readUsage(message.usage_metadata);
    if (usage) this.#reported = this.#reported ? addUsage(this.#reported, usage) : usage;
  }

  /** Usage as reported, else as estimated: tokens are paid for from the first one on. */
  measureUsage(prompt: readonly BaseMessage[]): TokenUsage | undefined {
    if (this.#reported) return this.#reported;
    if (!this.#content.hasContent) return undefined;
    return {
      ...noUsage,
      inputTokens: estimatePromptTokens(prompt),
      outputTokens: this.#content.estimateTokens(),
      estimated: true,
    };
  }
}
