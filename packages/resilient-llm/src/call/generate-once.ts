import type { ChatResult } from "@langchain/core/outputs";
import { attemptGenerate } from "../attempt/generate-attempt.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import type { Call } from "./call.ts";
import { hedgeAttempt, type RunningAttempt } from "./hedge-attempt.ts";
import { Losable } from "./losable.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";

interface RunningGenerate extends RunningAttempt {
  readonly outcome: Promise<AttemptOutcome<ChatResult>>;
}

/** Makes an attempt at a whole answer, hedged if the options say so, and books how it ended. */
export async function generateOnce(
  context: CallContext,
  request: CallRequest,
  call: Call,
  prepared: PreparedAttempt,
): Promise<AttemptOutcome<ChatResult>> {
  const { clock } = context.options;
  const ask = ({ candidate, limits, messages }: PreparedAttempt, signal: AbortSignal | undefined) =>
    attemptGenerate({ candidate, messages, limits, options: request.options, signal, clock });
  if (!context.hedgeQuota) {
    const outcome = await ask(prepared, request.signal);
    call.finish(prepared, outcome);
    return outcome;
  }
  const start = (one: PreparedAttempt): RunningGenerate => {
    const losable = new Losable(call, one, request.signal);
    const outcome = ask(one, losable.signal).then((ended) => {
      losable.finish(ended);
      return ended;
    });
    return {
      prepared: one,
      outcome,
      answers: outcome.then(({ status }) => status === "succeeded"),
      lose: async (wasLate) => {
        losable.lose(wasLate);
        await outcome;
      },
    };
  };
  const running = await hedgeAttempt(call, clock, start(prepared), start);
  return running.outcome;
}
