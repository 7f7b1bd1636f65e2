import type {
  ReceivedRequest,
  Reply,
  Script,
} from "../../../resilient-llm/testing/fault-server.ts";
import * as replies from "../../../resilient-llm/testing/replies.ts";
import type { PickFault } from "./fault.ts";
import { answerTo, findCall, MODELS, OUTAGE, WORD_MS } from "./scenario.ts";

/** Words before an answer that breaks off does so. */
const WORDS_BEFORE_STOP = 5;

/** Whether a request wants an answer; gateways also look for lists of models. */
export function isForAnswer({ body }: ReceivedRequest): boolean {
  return Array.isArray(body["messages"]);
}

/**
 * What a model answers: all of it, or the rest if the request brings the beginning along. Asked by a message
 * to begin with its last words, as `ResilientChatModel` asks, it does that.
 */
function findRest(answer: string, { messages }: ReceivedRequest["body"]): string {
  const place = messages.findLastIndex(({ role }) => role === "assistant");
  const partial = messages[place]?.content;
  if (typeof partial !== "string" || !answer.startsWith(partial)) return answer;
  const asked = messages[place + 1]?.content;
  const lastWords = typeof asked === "string" ? (asked.split("\n").at(-1) ?? "") : "";
  const isAsked = lastWords !== "" && partial.trimEnd().endsWith(lastWords);
  return answer.slice(isAsked ? partial.trimEnd().length - lastWords.length : partial.length);
}

/**
 * The script of a server with both models. Its time begins now.
 *
 * @param spend Hears how many tokens of output a request makes the caller pay for.
 */
export function createFaultScript(
  seed: number,
  pickFault: PickFault,
  spend: (model: string, tokens: number) => void,
): Script {
  const startedAtMs = performance.now();
  const attempts = new Map<number, number>();
  return (request: ReceivedRequest): Reply => {
    if (!isForAnswer(request)) return replies.error(404);
    const { body, model } = request;
    const call = findCall(JSON.stringify(body.messages));
    const attempt = (attempts.get(call) ?? 0) + 1;
    attempts.set(call, attempt);
    const elapsedMs = performance.now() - startedAtMs;
    const isDown = elapsedMs >= OUTAGE.fromMs && elapsedMs < OUTAGE.fromMs + OUTAGE.lengthMs;
    if (isDown && model === MODELS.primary) return replies.error(503);
    const fault = pickFault({ seed, call, attempt, model });
    if (fault && "reply" in fault) {
      if (fault.paidTokens > 0) spend(model, fault.paidTokens);
      return fault.reply;
    }
    const words = findRest(answerTo(seed, call), body).match(/\s*\S+/g) ?? [];
    const sent = fault ? words.slice(0, WORDS_BEFORE_STOP) : words;
    spend(model, sent.length);
    const steps = sent.flatMap((word) => [{ waitMs: WORD_MS }, { text: word }]);
    if (fault?.stopsAs === "stall") return replies.stream(...steps, { hang: true });
    if (fault?.stopsAs === "cut") return replies.stream(...steps);
    return replies.stream(...steps, { finish: "stop" }, { usage: replies.usage }, { done: true });
  };
}
