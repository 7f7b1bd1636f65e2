import type { RawUsage } from "../cost/find-usage.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { Failure } from "../failure/failure.ts";
import type { SimulatedFaultMark } from "../failure/simulated-fault-kind.ts";
import type { Clock } from "../time/clock.ts";
import type { AnswerKeeping } from "./answer-keeping.ts";

/** A whole answer as far as it has come. */
export interface CollectedAnswer {
  readonly partial: PartialAnswer;
  /** All that was generated, in whichever order, to estimate its tokens by. */
  readonly generated: string;
}

/** What one attempt wants to know about its HTTP exchange. The watched `fetch` fills it. */
export interface WireWatch {
  readonly endpoint: EndpointDescription;
  /** The request asks for a stream. */
  readonly streaming: boolean;
  /** A whole answer that may take long: if it is asked for as a stream, a silence in it shows. */
  readonly prefersStream: boolean;
  readonly clock: Clock;
  /** The largest body of a whole answer, and the largest event of a streamed one, in bytes, unpacked. */
  readonly maxResponseBytes: number;
  /**
   * Ends the request. It goes to `fetch` directly, past the SDK, which would wrap it in a signal of
   * its own with a listener on each.
   */
  readonly signal: AbortSignal;
  /** How the answer outlives this process. `undefined`: it does not. */
  readonly keeping?: AnswerKeeping | undefined;
  /** A whole answer is about to be asked for as a stream. */
  onStreamAsked(): void;
  /** The answer comes in one piece after all. */
  onWhole(): void;
  /** The response's headers are there. */
  onHeaders(): void;
  /** Something other than a keep-alive arrived: text, reasoning, a piece of a tool call, the end. */
  onProgress(): void;
  /** More of a whole answer that comes as a stream is in {@link collected}. */
  onCollected(): void;
  headers?: Headers;
  /** The body of an answer that came as a whole. */
  body?: string;
  /** The usage that a stream has reported so far, as the provider sent it. */
  usage?: RawUsage;
  /** Why the model does not answer, in its own words. LangChain leaves it out of its messages. */
  refusal?: string;
  /** A whole answer that comes as a stream, as far as it has come. */
  collected?: CollectedAnswer;
  /** The fault that the option `simulateFaults` put in the way of the request. */
  simulatedFault?: SimulatedFaultMark;
  /** Set as soon as the exchange is known to have failed; says more than the error the SDK makes of it. */
  failure?: Failure;
}

/** Key under which a watch travels through the SDK's `fetchOptions` to the watched `fetch`. */
export const wireWatchKey: unique symbol = Symbol("threadkeep.wire-watch");
