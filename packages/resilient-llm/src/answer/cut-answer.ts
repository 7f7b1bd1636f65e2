import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ChatGeneration, ChatResult } from "@langchain/core/outputs";
import type { Call } from "../call/call.ts";
import type { PromptAddition } from "../call/prompt-addition.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import type { Failure, FailureKind } from "../failure/failure.ts";
import { asksForJson } from "./asks-for-json.ts";
import { ContinuationJoiner } from "./continuation-joiner.ts";
import { askToContinue } from "./continuation.ts";

/** Failures that cut an answer and say nothing against what had come of it. */
const CUTS: ReadonlySet<FailureKind> = new Set([
  "truncated",
  "timeout",
  "connection",
  "server-error",
  "transient",
  "rate-limited",
]);

/** The message with another text, whether its content is a text or made of blocks. */
function replaceText(message: BaseMessage, text: string): AIMessage {
  const { additional_kwargs, content, id, response_metadata } = message;
  const { invalid_tool_calls, tool_calls, usage_metadata } = message as AIMessage;
  const others = Array.isArray(content) ? content.filter(({ type }) => type !== "text") : [];
  const block = { type: "text", text };
  return new AIMessage({
    content: Array.isArray(content) ? [block, ...others] : text,
    additional_kwargs,
    response_metadata,
    ...(tool_calls ? { tool_calls } : {}),
    ...(invalid_tool_calls ? { invalid_tool_calls } : {}),
    ...(usage_metadata ? { usage_metadata } : {}),
    ...(id === undefined ? {} : { id }),
  });
}

/**
 * What the attempts of a call for a whole answer have said before they were cut. Nobody has seen it. So it
 * is continued where that is certain, by the rules that hold for streams, and dropped where it is not.
 */
export class CutAnswer {
  readonly #call: Call;
  #text: string;
  #isGivenUp: boolean;
  readonly #isJournaled: boolean;

  /** @param journaled What an earlier process was told of the answer. */
  constructor(call: Call, journaled = "") {
    this.#call = call;
    this.#text = journaled;
    this.#isJournaled = journaled !== "";
    const { options, request } = call;
    this.#isGivenUp =
      options.streamRecovery !== "continue" ||
      request.check !== undefined ||
      asksForJson(request.options);
  }

  /** It goes on from what the journal had. */
  get isResumed(): boolean {
    return this.#isJournaled && this.isContinued;
  }

  /** The next attempt is asked to continue. */
  get isContinued(): boolean {
    return !this.#isGivenUp && this.#text.trim() !== "";
  }

  /** What the next attempt is sent after the prompt. `undefined`: it is asked for a whole answer. */
  ask(candidate: Candidate): PromptAddition | undefined {
    return this.isContinued ? askToContinue(this.#text, candidate) : undefined;
  }

  /** Takes what an attempt said that was cut. */
  keep(candidate: Candidate, { text, hasToolCalls }: PartialAnswer, { kind }: Failure): void {
    if (this.isContinued) {
      // An attempt that did not take up the text is dropped, and the text is kept.
      this.#text = this.#join(candidate, text, hasToolCalls) ?? this.#text;
    } else if (CUTS.has(kind) && !hasToolCalls) {
      this.#text = text;
    }
    this.#call.keepPartial({ text: this.#text || text, hasToolCalls });
    if (!this.isContinued) return;
    const { events, id: callId } = this.#call;
    events.emit({ type: "stream-continued", callId, keptText: this.#text });
  }

  /**
   * The whole answer, when an attempt has ended well. `undefined`: the attempt did not take up the text. The
   * next one is asked for all of it.
   */
  complete(candidate: Candidate, result: ChatResult): ChatResult | undefined {
    const [generation] = result.generations;
    if (!this.isContinued || !generation) return result;
    const text = this.#join(candidate, generation.text, true);
    if (text === undefined) {
      this.#isGivenUp = true;
      return undefined;
    }
    const message = replaceText(generation.message, text);
    const whole: ChatGeneration = { ...generation, text, message };
    return { ...result, generations: [whole] };
  }

  /**
   * The text so far with what an attempt said next. `undefined`: that does not continue it.
   *
   * @param isComplete No more of its text is to come.
   */
  #join({ acceptsPrefill }: Candidate, next: string, isComplete: boolean): string | undefined {
    const joiner = new ContinuationJoiner(this.#text, acceptsPrefill ? "prefilled" : "last-words");
    const joined = joiner.push(next) + (isComplete ? joiner.finish() : "");
    return joiner.isUnrecognised ? undefined : this.#text + joined;
  }
}
