import { answerTo } from "../../faults/journal/steady-provider.ts";
import type { ReceivedRequest, Script } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";

/** What a request asks, and which part of its answer it wants to be continued. */
export interface Asked {
  readonly question: string;
  readonly partial: string | undefined;
  readonly lastWords: string;
}

/** What the last message of a conversation asks. */
export function readAsked({ body: { messages } }: ReceivedRequest): Asked {
  const text = (index: number) => {
    const { content } = messages.at(index) ?? {};
    return typeof content === "string" ? content : "";
  };
  const isContinuation =
    messages.at(-2)?.role === "assistant" && text(-1).startsWith("Your answer above was cut off");
  if (!isContinuation) return { question: text(-1), partial: undefined, lastWords: "" };
  const lastWords = text(-1).slice(text(-1).indexOf("\n") + 1);
  return { question: text(-3), partial: text(-2), lastWords };
}

/** The answer to a question, always the same. */
export function expectAnswer(question: string, words: number): string {
  return answerTo(question.replaceAll(" ", "-"), words);
}

/**
 * Answers each question with words of its own, and continues answers as it is asked to.
 *
 * @param onWord is told of each word before it is sent
 */
export function talk(
  { pauseMs, words }: { readonly pauseMs: number; readonly words: number },
  onWord: () => void = () => undefined,
): Script {
  return (request) => {
    const { lastWords, partial, question } = readAsked(request);
    const whole = expectAnswer(question, words);
    const text =
      partial === undefined ? whole : whole.slice(partial.trimEnd().length - lastWords.length);
    const pieces = text.match(/\S+\s*/g) ?? [];
    const steps = pieces.flatMap((word) => [{ text: word }, { waitMs: pauseMs }]);
    const end = [{ finish: "stop" }, { usage: replies.usage }, { done: true }] as const;
    return async (response, received) => {
      const write = response.write.bind(response);
      response.write = ((...args: Parameters<typeof write>) => {
        onWord();
        return write(...args);
      }) as typeof response.write;
      await replies.stream(...steps, ...end)(response, received);
    };
  };
}
