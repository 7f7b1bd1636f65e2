import type { Call } from "../call/call.ts";
import type { StreamInterruptedError } from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";
import { asksForJson } from "./asks-for-json.ts";
import type { Resumption, StreamedAnswer } from "./streamed-answer.ts";

/** Why an answer that broke off is not taken up. */
interface Refusal {
  readonly stoppedBecause: string;
}

/** What happens when the stream of a call breaks off after part of the answer has been handed out. */
export class BrokenStream {
  readonly #call: Call;
  #failure: Failure | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Whether an answer may start over after part of it has been handed out. */
  get mayRestart(): boolean {
    const { options } = this.#call;
    return options.streamRecovery === "restart" || (!this.isFinal && this.#isParsedHere);
  }

  /** Whether what has been handed out is never taken up again. */
  get isFinal(): boolean {
    return this.#call.options.streamRecovery === "error";
  }

  /** Prepares an answer that broke off for the next attempt. Returns the error if it cannot be taken up. */
  recover(answer: StreamedAnswer, failure: Failure): StreamInterruptedError | undefined {
    this.#failure = failure;
    const resumption = this.#choose(answer);
    if (typeof resumption === "object") return this.interrupt(answer, resumption.stoppedBecause);
    const { events, id: callId } = this.#call;
    const { partial } = answer;
    this.#call.keepPartial(partial);
    answer.resumeBy(resumption);
    if (resumption === "restart") {
      events.emit({ type: "stream-restarted", callId, discardedText: partial.text });
    } else {
      events.emit({ type: "stream-continued", callId, keptText: partial.text });
    }
    return undefined;
  }

  /**
   * The error of an answer that broke off and is not taken up. It names what the stream broke off with.
   */
  interrupt(answer: StreamedAnswer, stoppedBecause: string): StreamInterruptedError {
    const failure = this.#failure as Failure;
    return this.#call.interrupt(failure, answer.partial, stoppedBecause);
  }

  /** Chunks go to the parser of `withStructuredOutput`, which sees where an answer starts over. */
  get #isParsedHere(): boolean {
    const { check } = this.#call.request;
    // Who takes the last answer as it is gets the chunks too.
    return check !== undefined && !check.acceptsLast;
  }

  #choose(answer: StreamedAnswer): Resumption | Refusal {
    if (this.isFinal) {
      return {
        stoppedBecause: 'part of the answer was already handed out and streamRecovery is "error"',
      };
    }
    if (this.mayRestart) return "restart";
    if (!answer.isText) {
      return {
        stoppedBecause:
          "a tool call or other content was already handed out, which cannot be continued",
      };
    }
    const { options } = this.#call.request;
    return answer.saysNothing || asksForJson(options) ? "repeat" : "continue";
  }
}
