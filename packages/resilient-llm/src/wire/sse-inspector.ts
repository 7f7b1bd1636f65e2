import { findUsage, mergeUsage } from "../cost/find-usage.ts";
import {
  createParser,
  type EventSourceMessage,
  type EventSourceParser,
  type ParseError,
} from "eventsource-parser";
import { classifyProviderError } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import { isRealError, readErrorReport } from "../failure/read-error-report.ts";
import { describeOversized } from "./body-limit.ts";
import { describeWrongBody } from "./describe-wrong-body.ts";
import { FrameNormalizer } from "./normalize-frame.ts";
import { isFields, type Fields } from "./normalize-message.ts";
import type { WireWatch } from "./wire-watch.ts";

/** One event of a streamed answer, as far as it is looked at. */
export interface Frame {
  readonly error?: unknown;
  readonly type?: unknown;
  /** The Responses API's answer as it stands. */
  readonly response?: Fields | null;
  readonly choices?: readonly Choice[] | null;
}

interface Choice {
  readonly index?: number;
  readonly delta?: Fields;
  readonly finish_reason?: string | null;
  readonly error?: unknown;
}

/** What a piece of the body comes to. */
export interface InspectedPiece {
  /** Sound events, to be handed on in place of the piece; `undefined`: the piece is good as it is. */
  readonly reframed: string | undefined;
  readonly failure: Failure | undefined;
}

/** The model has not begun: a response that is made in the background may wait for its turn. */
const WAITING_EVENT = /^response\.(?:created|queued|in_progress)$/;

/** Whether a text ends with the blank line that ends an event. */
function endsEvent(text: string): boolean {
  return text.endsWith("\n\n") || text.endsWith("\n\r\n") || text.endsWith("\r\r");
}

function hasContent(delta: Fields | undefined): boolean {
  for (const key in delta) {
    const value = delta[key];
    if (key === "role" || value === null || value === undefined || value === "") continue;
    if (!Array.isArray(value) || value.length > 0) return true;
  }
  return false;
}

function frameEvent(event: string | undefined, data: string): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  return `${name}data: ${data.replaceAll("\n", "\ndata: ")}\n\n`;
}

/**
 * Reads the server-sent events of a streamed answer as they pass by and tells a complete answer from
 * a cut one, content from keep-alives, and error frames from both. What LangChain would not read is
 * put right on the way.
 *
 * Needed because the layers above do not: the SDK ends the stream quietly when the connection closes
 * early, and LangChain then reports half an answer as a whole one.
 */
export class SseInspector {
  readonly #watch: WireWatch;
  readonly #onFrame: ((frame: Frame) => void) | undefined;
  readonly #unfinished = new Set<number>();
  readonly #normalizer = new FrameNormalizer();
  readonly #parser: EventSourceParser;
  #strayLine: string | undefined;
  #sawChoice = false;
  #sawFrame = false;
  #isDone = false;
  #hasFinishReason = false;
  /** The beginning of an event has come whose end has not; its bytes were not handed on. */
  #isMidEvent = false;
  /** Sound events of the piece at hand. */
  #events: EventSourceMessage[] = [];
  #isAltered = false;
  #failure: Failure | undefined;

  /** @param onFrame Told about every sound frame, put right. */
  constructor(watch: WireWatch, onFrame?: (frame: Frame) => void) {
    this.#watch = watch;
    this.#onFrame = onFrame;
    this.#parser = createParser({
      // It counts characters, of which no text has more than bytes.
      maxBufferSize: watch.maxResponseBytes,
      onEvent: (event) => this.#takeEvent(event),
      onError: (error) => this.#takeError(error),
    });
  }

  /** The answer is complete; a connection that breaks now does no harm. */
  get finished(): boolean {
    return this.#isDone || (this.#hasFinishReason && this.#unfinished.size === 0);
  }

  /** Takes the next piece of the body; a failure comes as soon as one shows. */
  push(text: string): InspectedPiece {
    this.#events = [];
    this.#isAltered = this.#isMidEvent;
    if (!this.#failure) this.#parser.feed(text);
    this.#isMidEvent = !endsEvent(text);
    const failure = this.#failure;
    if (!failure && !this.#isAltered && !this.#isMidEvent) return { reframed: undefined, failure };
    const reframed = this.#events.map(({ event, data }) => frameEvent(event, data)).join("");
    return { reframed, failure };
  }

  /** Judges the stream once the connection has ended. */
  end(cause?: unknown): InspectedPiece {
    // The last event counts even where a server leaves out the blank line after it.
    const { reframed = "", failure } = this.#isMidEvent ? this.push("\n\n") : {};
    if (this.finished) return { reframed, failure: undefined };
    return { reframed, failure: failure ?? this.#describeEnd(cause) };
  }

  #describeEnd(cause?: unknown): Failure {
    const { model, baseUrl } = this.#watch.endpoint;
    if (!this.#sawFrame && this.#strayLine !== undefined) {
      return describeWrongBody(this.#watch, "a body that is not an event stream", this.#strayLine);
    }
    if (this.#sawFrame && !this.#sawChoice) {
      return {
        kind: "invalid-response",
        message: `${model} at ${baseUrl} streamed an answer without choices`,
      };
    }
    return {
      kind: "truncated",
      message:
        `The stream of ${model} at ${baseUrl} ended without finish_reason:` +
        ` the answer is incomplete${this.#sawChoice ? "" : ", not one token came"}`,
      ...(cause === undefined ? {} : { cause }),
    };
  }

  #takeError({ line, message, type }: ParseError): void {
    if (type === "max-buffer-size-exceeded") {
      const { maxResponseBytes } = this.#watch;
      this.#failure ??= describeOversized(this.#watch, "an event", maxResponseBytes);
    } else {
      // An unknown field: what a page or a plain text begins with.
      this.#strayLine ??= line ?? message;
    }
  }

  #takeEvent(event: EventSourceMessage): void {
    // The SDK reads no further than this.
    if (this.#failure || this.#isDone) return;
    const { data } = event;
    if (data.trim() === "[DONE]") {
      this.#end(event);
      return;
    }
    const frame = this.#parse(data);
    if (!frame) return;
    this.#sawFrame = true;
    const isNormalized = this.#readFrame(frame, event.event);
    if (this.#failure) return;
    this.#isAltered ||= isNormalized;
    this.#events.push(isNormalized ? { ...event, data: JSON.stringify(frame) } : event);
    this.#onFrame?.(frame);
  }

  #parse(data: string): Frame | undefined {
    // A blank event keeps the connection alive; the SDK would take it for broken JSON.
    if (data.trim() === "") {
      this.#isAltered = true;
      return undefined;
    }
    let cause: unknown;
    try {
      const frame: unknown = JSON.parse(data);
      if (isFields(frame)) return frame;
    } catch (error) {
      cause = error;
    }
    const { model, baseUrl } = this.#watch.endpoint;
    this.#failure = {
      kind: "truncated",
      message: `The stream of ${model} at ${baseUrl} contains an event that is no JSON object (${data.length} characters)`,
      ...(cause === undefined ? {} : { cause }),
    };
    return undefined;
  }

  /**
   * The server says that this is all. Several never send a finish reason: their answer is whole then.
   * One that does send them is believed only where every choice has its own.
   */
  #end(event: EventSourceMessage): void {
    const isWhole = this.#hasFinishReason
      ? this.#unfinished.size === 0
      : this.#sawChoice && this.#normalizer.hasWholeToolCalls;
    if (!isWhole) {
      this.#failure = this.#describeEnd();
      return;
    }
    this.#isDone = true;
    this.#events.push(event);
  }

  /** Returns whether the frame was put right. */
  #readFrame(frame: Frame, event: string | undefined): boolean {
    let isChanged = false;
    const error = frame.error ?? (event === "error" ? frame : undefined);
    if (error !== undefined && error !== null) {
      if (isRealError(error) || event === "error") {
        this.#failure = this.#classify(frame.error === undefined ? error : frame);
        return false;
      }
      // The SDK throws at any `error`, also at an empty one beside a good choice.
      delete (frame as { error?: unknown }).error;
      isChanged = true;
    }
    const usage = findUsage(frame);
    if (usage) this.#watch.usage = mergeUsage(this.#watch.usage, usage);
    let isProgress = usage !== undefined;
    for (const choice of frame.choices ?? []) {
      this.#sawChoice = true;
      if (isRealError(choice.error)) {
        this.#failure = this.#classify(choice);
        return false;
      }
      if (this.#normalizer.normalize(choice as Fields)) isChanged = true;
      const index = choice.index ?? 0;
      if (choice.finish_reason) {
        this.#hasFinishReason = true;
        this.#unfinished.delete(index);
        isProgress = true;
      } else if (!this.#hasFinishReason) {
        this.#unfinished.add(index);
      }
      isProgress ||= hasContent(choice.delta);
      if (typeof choice.delta?.["refusal"] === "string") {
        this.#watch.refusal = (this.#watch.refusal ?? "") + choice.delta["refusal"];
      }
    }
    // The Responses API streams typed events instead of choices.
    if (typeof frame.type === "string" && frame.type.startsWith("response.")) {
      this.#sawChoice = true;
      if (frame.type === "response.failed") {
        this.#failure = this.#classify(frame.response ?? { message: "the response has failed" });
        return false;
      }
      isProgress ||= !WAITING_EVENT.test(frame.type);
      this.#hasFinishReason ||= /^response\.(?:completed|incomplete)$/.test(frame.type);
    }
    if (isProgress) this.#watch.onProgress();
    return isChanged;
  }

  #classify(holder: unknown): Failure {
    const { clock, endpoint, headers } = this.#watch;
    const report = readErrorReport(holder);
    const message = report?.message ?? JSON.stringify(holder);
    return classifyProviderError({ ...report, message, headers }, endpoint, clock.now());
  }
}
