import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { attemptStream } from "../attempt/stream-attempt.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { CallContext, CallRequest } from "../call/call-context.ts";
import type { Call } from "../call/call.ts";
import { hasContent } from "../attempt/chunk-content.ts";
import { hedgeAttempt, type RunningAttempt } from "./hedge-attempt.ts";
import { Losable } from "./losable.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

type AttemptStream = AsyncGenerator<ChatGenerationChunk, AttemptOutcome<undefined>>;

interface RunningStream extends RunningAttempt {
  /** Everything it has said so far, and the rest as it comes. */
  read(): AttemptStream;
}

/**
 * Makes an attempt at a streamed answer and books how it ended.
 *
 * @param mayHedge Nothing of the answer has been handed out yet.
 */
export async function* streamOnce(
  context: CallContext,
  request: CallRequest,
  call: Call,
  prepared: PreparedAttempt,
  mayHedge: boolean,
): AttemptStream {
  const { clock } = context.options;
  const ask = (
    { candidate, limits, messages }: PreparedAttempt,
    signal: AbortSignal | undefined,
    onEnd: (outcome: AttemptOutcome<undefined>) => void,
  ) =>
    attemptStream({ candidate, messages, limits, options: request.options, signal, clock }, onEnd);
  if (!context.hedgeQuota || !mayHedge) {
    return yield* ask(prepared, request.signal, (outcome) => call.finish(prepared, outcome));
  }
  const start = (one: PreparedAttempt): RunningStream => {
    const losable = new Losable(call, one, request.signal);
    const attempt = ask(one, losable.signal, (outcome) => losable.finish(outcome));
    const held: ChatGenerationChunk[] = [];
    let ended: AttemptOutcome<undefined> | undefined;
    const readToContent = async (): Promise<boolean> => {
      for (;;) {
        const step = await attempt.next();
        if (step.done) {
          ended = step.value;
          return ended.status === "succeeded";
        }
        held.push(step.value);
        if (hasContent(step.value)) return true;
      }
    };
    const answers = readToContent();
    return {
      prepared: one,
      answers,
      async *read() {
        await answers;
        try {
          yield* held;
          return ended ?? (yield* attempt);
        } finally {
          // A consumer that stops between the held chunks ends the attempt too.
          await attempt.return(undefined as never);
        }
      },
      lose: async (wasLate) => {
        losable.lose(wasLate);
        await answers;
        // Both may have answered at the same moment; then it waits to be read.
        await attempt.return(undefined as never);
      },
    };
  };
  const running = await hedgeAttempt(call, clock, start(prepared), start);
  return yield* running.read();
}
