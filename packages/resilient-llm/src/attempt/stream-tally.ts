import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { completeUsage, type ReportedUsage } from "../cost/read-usage.ts";
import { addUsage, type TokenUsage } from "../cost/token-usage.ts";
import { readFinish } from "../failure/finish-rules.ts";
import type { AnswerFacts } from "./attempt-outcome.ts";
import { carriesAnswer } from "./judge-emptiness.ts";
import { readFacts } from "./judge-finish.ts";
import { readMessageUsage, readOpenAiUsage } from "./measure-usage.ts";
import { StreamedContent } from "./streamed-content.ts";

/** What the chunks of one attempt add up to: content, facts about the answer, usage. */
export class StreamTally {
  readonly #content = new StreamedContent();
  #facts: AnswerFacts = {
    finishReason: undefined,
    responseId: undefined,
    responseModel: undefined,
  };
  #reported: ReportedUsage = { kind: "missing", reportedCostUsd: undefined };
  #carriesAnswer = false;

  get facts(): AnswerFacts {
    return this.#facts;
  }

  /** Something of the answer itself has come, not only reasoning or white space. */
  get carriesAnswer(): boolean {
    return this.#carriesAnswer;
  }

  /** The answer ended, and not at its limit, inside the arguments of a tool call. */
  get hasBrokenArguments(): boolean {
    return this.#content.hasBrokenArguments && readFinish(this.#facts.finishReason) !== "cut";
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
    if (AIMessageChunk.isInstance(message)) this.#addUsage(message);
  }

  /** What LangChain's chunks report. */
  get reported(): ReportedUsage {
    return this.#reported;
  }

  /** Usage as reported, else as estimated: tokens are paid for from the first one on. */
  measureUsage(prompt: readonly BaseMessage[], reported: ReportedUsage): TokenUsage | undefined {
    if (reported.kind !== "counted" && !this.#content.hasContent) return undefined;
    return completeUsage(reported, () => ({
      inputTokens: estimatePromptTokens(prompt),
      outputTokens: this.#content.estimateTokens(),
    }));
  }

  #addUsage(message: AIMessageChunk): void {
    const whole = readOpenAiUsage(message);
    const reported = whole ?? readMessageUsage(message);
    if (reported.kind === "missing") return;
    const isPart = whole === undefined && reported.kind === "counted";
    this.#reported =
      isPart && this.#reported.kind === "counted"
        ? { kind: "counted", usage: addUsage(this.#reported.usage, reported.usage) }
        : reported;
  }
}
