import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { PromptAddition } from "../call/prompt-addition.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { findLastWords } from "./last-words.ts";

/** The partial answer as the end of the prompt. White space at its end is refused by some providers. */
function prefill(partialText: string): BaseMessage[] {
  return [new AIMessage(partialText.trimEnd())];
}

/**
 * Asks for the rest by a message. The model is told to repeat the last words: only so it can be seen that
 * it continues, and where. "Begin with the next character" cannot be checked, and models do it badly in the
 * middle of a word.
 */
function askByMessage(partialText: string): BaseMessage[] {
  const lastWords = partialText.slice(findLastWords(partialText)).trimEnd();
  return [
    new AIMessage(partialText),
    new HumanMessage(
      "Your answer above was cut off by a network failure. Write the rest of it. Begin with these last" +
        " words of it, character for character even if they end inside a word, and go on from there" +
        ` without any comment:\n${lastWords}`,
    ),
  ];
}

/** What is added to a prompt so that `candidate` takes up an answer where it broke off. */
export function askToContinue(partialText: string, candidate: Candidate): PromptAddition {
  // After a prefill, the end of the answer may be all that is left to come.
  return candidate.acceptsPrefill
    ? { messages: prefill(partialText), acceptsEmpty: true }
    : { messages: askByMessage(partialText), acceptsEmpty: false };
}
