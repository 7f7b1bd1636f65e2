import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { CallContext, CallRequest } from "../call/call-context.ts";
import { Call } from "../call/call.ts";
import { generateOnce } from "./generate-once.ts";
import { describeResilience, toUsageMetadata } from "./resilience-metadata.ts";

/** Gets a whole answer, over as many attempts as it takes. */
export async function runGenerate(context: CallContext, request: CallRequest): Promise<ChatResult> {
  const call = new Call(context, request);
  for (;;) {
    const prepared = await call.prepare();
    if (prepared instanceof Error) throw prepared;
    const outcome = await generateOnce(context, request, call, prepared);
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
