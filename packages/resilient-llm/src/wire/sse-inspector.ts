import { findUsage, mergeUsage } from "../cost/find-usage.ts";
import { classifyProviderError } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import { describeWrongBody } from "./inspect-json-body.ts";
import type { WireWatch } from "./wire-watch.ts";

interface Frame {
  readonly error?: unknown;
  readonly type?: unknown;
  /** The Responses API's answer as it stands. */
  readonly response?: { readonly error?: unknown } | null;
  readonly choices?: readonly {
    readonly index?: number;
    readonly delta?: Readonly<Record<string, unknown>>;
    readonly finish_reason?: string | null;
    readonly error?: unknown;
  }[];
}

function hasContent(delta: Readonly<Record<string, unknown>> | undefined): boolean {
  for (const [key, value] of Object.entries(delta ?? {})) {
    if (key === "role" || value === null || value === undefined || value === "") continue;
    if (!Array.isArray(value) || value.length > 0) return true;
  }
  return false;
}

/** A failure in the middle of a piece of the body. */
export interface InspectedFailure {
  readonly failure: Failure;
  /** Lines that ended in this piece before the event that failed began. */
  readonly soundLines: number;
}

/**
 * Reads the server-sent events of a streamed answer as they pass by and tells a complete answer from
 * a cut one, content from keep-alives, and error frames from both.
 *
 * Needed because the layers above don't: the SDK ends the stream quietly when the connection closes
 * early, and LangChain then reports half an answer as a whole one.
 */
export class SseInspector {
  readonly #watch: WireWatch;
  readonly #unfinished = new Set<number>();
  #line = "";
  #event = "";
  #data: string[] = [];
  /** The first line that is no field of an event: what a page or a plain text begins with. */
  #strayLine: string | undefined;
  #sawChoice = false;
  #sawFrame = false;
  #finished = false;

  constructor(watch: WireWatch) {
    this.#watch = watch;
  }

  /** The answer is complete; a connection that breaks now does no harm. */
  get finished(): boolean {
    return this.#finished && this.#unfinished.size === 0;
  }

  /** Takes the next piece of the body; returns a failure as soon as one shows. */
  push(text: string): InspectedFailure | undefined {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    let soundLines = 0;
    for (const [index, line] of lines.entries()) {
      const failure = this.#readLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (failure) return { failure, soundLines };
      if (this.#data.length === 0) soundLines = index + 1;
    }
    return undefined;
  }

  /** Judges the stream once the connection has ended. */
  end(cause?: unknown): Failure | undefined {
    // The last event counts even where a server leaves out the blank line after it.
    const pending = this.#line === "" ? undefined : this.#readLine(this.#line.trimEnd());
    const last = pending ?? (this.#data.length > 0 ? this.#readEvent() : undefined);
    return this.finished ? undefined : (last ?? this.#describeEnd(cause));
  }

  #describeEnd(cause?: unknown): Failure {
    const { model, baseUrl } = this.#watch.endpoint;
    if (!this.#sawFrame && this.#strayLine !== undefined) {
      return describeWrongBody(this.#watch, "a body that isn't an event stream", this.#strayLine);
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

  #readLine(line: string): Failure | undefined {
    if (line === "") return this.#data.length > 0 ? this.#readEvent() : undefined;
    if (!/^(?::|data|event|id|retry)/.test(line)) this.#strayLine ??= line;
    if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
    else if (line.startsWith("event:")) this.#event = line.slice(6).trim();
    return undefined;
  }

  #readEvent(): Failure | undefined {
    const data = this.#data.join("\n");
    const event = this.#event;
    this.#data = [];
    this.#event = "";
    // The SDK reads no further than this.
    if (data.trim() === "[DONE]") return this.finished ? undefined : this.#describeEnd();
    let frame: Frame;
    try {
      frame = JSON.parse(data) as Frame;
    } catch (cause) {
      const { model, baseUrl } = this.#watch.endpoint;
      return {
        kind: "truncated",
        message: `The stream of ${model} at ${baseUrl} contains an event that isn't JSON (${data.length} characters)`,
        cause,
      };
    }
    this.#sawFrame = true;
    return this.#readFrame(frame, event);
  }

  #readFrame(frame: Frame, event: string): Failure | undefined {
    const error = frame.error ?? (event === "error" ? frame : undefined);
    if (error !== undefined && error !== null) return this.#classify(error);
    const usage = findUsage(frame);
    if (usage) this.#watch.usage = mergeUsage(this.#watch.usage, usage);
    let progress = Boolean(usage);
    for (const choice of frame.choices ?? []) {
      this.#sawChoice = true;
      const index = choice.index ?? 0;
      if (choice.error) return this.#classify(choice.error);
      if (choice.finish_reason) {
        this.#finished = true;
        this.#unfinished.delete(index);
        progress = true;
      } else if (!this.#finished) {
        this.#unfinished.add(index);
      }
      progress ||= hasContent(choice.delta);
    }
    // The Responses API streams typed events instead of choices.
    if (typeof frame.type === "string" && frame.type.startsWith("response.")) {
      this.#sawChoice = true;
      if (frame.type === "response.failed") {
        return this.#classify(frame.response?.error ?? "the response has failed");
      }
      progress ||= frame.type !== "response.in_progress";
      this.#finished ||= /^response\.(?:completed|incomplete)$/.test(frame.type);
    }
    if (progress) this.#watch.onProgress();
    return undefined;
  }

  #classify(error: unknown): Failure {
    const { code, type, message } = (typeof error === "object" && error !== null ? error : {}) as {
      code?: string | number;
      type?: string;
      message?: string;
    };
    return classifyProviderError(
      {
        code,
        type,
        message: message ?? (typeof error === "string" ? error : JSON.stringify(error)),
        headers: this.#watch.headers,
      },
      this.#watch.endpoint,
      this.#watch.clock.now(),
    );
  }
}
