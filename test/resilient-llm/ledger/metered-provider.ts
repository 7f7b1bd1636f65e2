import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import {
  estimatePromptTokens,
  estimateTextTokens,
} from "../../../packages/resilient-llm/src/context/estimate-tokens.ts";
import { inPieces } from "../testing/continuing-server.ts";
import type { FaultServer, ReceivedRequest, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";

/** What every answer of the provider says. */
export const WHOLE =
  "The sky is blue because the air scatters short waves of light more than long ones.";

/** One request as the provider bills it. */
export interface BilledRequest {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the provider does with a request. */
export type Treatment =
  /** It answers, and reports what it bills. */
  | "answers"
  /** It refuses, and bills nothing. */
  | "fails"
  /** It ends the answer in the middle, and bills what it was sent and has said. Streams only. */
  | "breaks"
  /** It says part of the answer and then nothing more, and bills as for `breaks`. */
  | "hangs";

/** So many pieces of three characters come before an answer breaks. */
const PIECES = 12;

/** What comes of an answer that breaks. */
export const PART = WHOLE.slice(0, PIECES * 3);

function toMessage({ content, role }: ReceivedRequest["body"]["messages"][number]): BaseMessage {
  const text = String(content);
  if (role === "assistant") return new AIMessage(text);
  return role === "system" ? new SystemMessage(text) : new HumanMessage(text);
}

/** Lets a server bill what it is asked. Returns its log, which goes on. */
export function billRequests(
  server: FaultServer,
  treat: (request: ReceivedRequest) => Treatment,
): BilledRequest[] {
  const log: BilledRequest[] = [];
  server.playScript((request): Reply => {
    const { index, model, streaming } = request;
    const treatment = treat(request);
    if (treatment === "fails") {
      log.push({ model, inputTokens: 0, outputTokens: 0 });
      return replies.error(500);
    }
    if (treatment === "answers") {
      const inputTokens = 1_000 + index;
      const outputTokens = 100 + index;
      log.push({ model, inputTokens, outputTokens });
      const usage = {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
      };
      if (!streaming) return replies.completion(WHOLE, { usage });
      return replies.stream(...inPieces(WHOLE), { finish: "stop" }, { usage }, { done: true });
    }
    // It reports nothing of what it cuts. So both sides estimate, and by the same rule.
    const inputTokens = estimatePromptTokens(request.body.messages.map(toMessage));
    log.push({ model, inputTokens, outputTokens: estimateTextTokens(PART) });
    const said = inPieces(PART);
    return replies.stream(...said, ...(treatment === "hangs" ? [{ hang: true } as const] : []));
  });
  return log;
}

/** What a provider's logs add up to, by model. */
export function addBilled(logs: readonly BilledRequest[]): Record<string, readonly number[]> {
  const sums: Record<string, number[]> = {};
  for (const { inputTokens, model, outputTokens } of logs) {
    const [requests = 0, input = 0, output = 0] = sums[model] ?? [];
    sums[model] = [requests + 1, input + inputTokens, output + outputTokens];
  }
  return sums;
}
