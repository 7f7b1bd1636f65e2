import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { AnswerCheck } from "../attempt/answer-check.ts";
import type { PromptAddition } from "../call/prompt-addition.ts";
import { ModelCallError } from "../errors/model-call-error.ts";
import { StructuredOutputError } from "../errors/structured-output-error.ts";

/** An answer that did not pass, and why. */
interface Rejected {
  readonly message: BaseMessage;
  readonly problem: string;
}

/** What a model said, as a text: its tool calls too, for a call that has no result cannot be sent. */
function describeAnswer(message: BaseMessage): string {
  const { invalid_tool_calls: invalid, tool_calls: calls } = message as Partial<AIMessage>;
  const said = [message.text];
  for (const { args } of calls ?? []) said.push(JSON.stringify(args));
  for (const { args } of invalid ?? []) said.push(args ?? "");
  return said.filter((part) => part !== "").join("\n");
}

/** Remembers the last answer of a call that did not pass its check, so that the next one can do better. */
export class AnswerRepair implements AnswerCheck {
  readonly acceptsLast: boolean;
  readonly #check: AnswerCheck;
  #rejected: Rejected | undefined;

  constructor(check: AnswerCheck) {
    this.#check = check;
    this.acceptsLast = check.acceptsLast;
  }

  async findProblem(message: BaseMessage): Promise<string | undefined> {
    const problem = await this.#check.findProblem(message);
    if (problem !== undefined) this.#rejected = { message, problem };
    return problem;
  }

  /** What is added to the prompt of the next attempt: the answer that did not pass, and why. */
  get addition(): PromptAddition {
    if (!this.#rejected) return { messages: [], acceptsEmpty: false };
    const { message, problem } = this.#rejected;
    const messages = [
      new AIMessage(describeAnswer(message) || "(no answer)"),
      new HumanMessage(
        `That answer cannot be used: ${problem}\nAnswer again, with the same content in the shape that was asked for.`,
      ),
    ];
    // An empty one does not pass the check either.
    return { messages, acceptsEmpty: true };
  }

  /** The last answer as it is, for callers that take it although it did not pass. */
  get lastResult(): ChatResult | undefined {
    if (!this.acceptsLast || !this.#rejected) return undefined;
    const { message } = this.#rejected;
    return { generations: [{ text: message.text, message }] };
  }

  /** The error of a call that was given up: what is wrong with its answer, where that decided it. */
  explain(error: Error): Error {
    const isDecisive =
      error instanceof ModelCallError && error.failure.kind === "failed-generation";
    if (!isDecisive || !this.#rejected) return error;
    const { message, problem } = this.#rejected;
    return new StructuredOutputError({
      problem,
      answer: message,
      attempts: error.attempts,
      cause: error,
      isFinal: error.isFinal,
    });
  }
}
