import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { attemptGenerate } from "../attempt/generate-attempt.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import { Call } from "./call.ts";
import { describeResilience, toUsageMetadata } from "./resilience-metadata.ts";

/** Gets a whole answer, over as many attempts as it takes. */
export async function runGenerate(context: CallContext, request: CallRequest): Promise<ChatResult> {
  const call = new Call(context, request);
  for (;;) {
    const prepared = await call.prepare();
    if (prepared instanceof Error) throw prepared;
    const outcome = await attemptGenerate({
      candidate: prepared.candidate,
      messages: prepared.messages,
      limits: prepared.limits,
      options: request.options,
      signal: request.signal,
      clock: context.options.clock,
    });
    call.finish(prepared, outcome);
    if (outcome.status === "aborted") throw outcome.reason;
    if (outcome.status === "failed") continue;
    for (const generation of outcome.value.generations) {
      const { message } = generation;
      const resilience = describeResilience(
        call.records,
        outcome.usage,
        outcome.facts.finishReason,
      );
      message.response_metadata = { ...message.response_metadata, resilience };
      if (outcome.usage.estimated && AIMessage.isInstance(message)) {
        Object.assign(message, { usage_metadata: toUsageMetadata(outcome.usage) });
      }
    }
    return outcome.value;
  }
}
