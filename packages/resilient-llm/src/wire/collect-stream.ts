import { redactError } from "../failure/redact.ts";
import { AnswerCollector } from "./answer-collector.ts";
import { describeOversized, maxStreamBytes } from "./body-limit.ts";
import { type InspectedBody, inspectJsonBody } from "./inspect-json-body.ts";
import { SseInspector } from "./sse-inspector.ts";
import type { WireWatch } from "./wire-watch.ts";

/** So many characters tell a stream from a whole body. */
const TELLING_LENGTH = 6;

/** Whether a body begins as a stream of events does. */
function looksLikeStream(text: string): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(text);
}

/** Judges a stream that came, or was asked for, in place of a whole answer, and makes it one. */
class StreamCollector {
  readonly #watch: WireWatch;
  readonly #collector = new AnswerCollector();
  readonly #inspector: SseInspector;

  constructor(watch: WireWatch) {
    this.#watch = watch;
    watch.collected = this.#collector;
    this.#inspector = new SseInspector(watch, (frame) => {
      this.#collector.add(frame);
      watch.onCollected();
    });
  }

  /** Takes a piece of the body. Returns how the answer ended, if it has failed. */
  push(text: string): InspectedBody | undefined {
    const { failure } = this.#inspector.push(text);
    return failure && { failure };
  }

  /** The answer, or why there is none. */
  end(cause?: unknown): InspectedBody {
    const { failure } = this.#inspector.end(cause);
    return failure ? { failure } : inspectJsonBody(this.#collector.toBody(), this.#watch);
  }
}

/** Judges a body that is there as a whole, also a stream that came without having been asked for. */
export function inspectWholeBody(text: string, watch: WireWatch): InspectedBody {
  if (!looksLikeStream(text)) return inspectJsonBody(text, watch);
  const stream = new StreamCollector(watch);
  return stream.push(text) ?? stream.end();
}

/**
 * Makes a whole answer of a stream that was asked for in its place. It is inspected as it comes, so that
 * the watch hears of each piece. A whole body that comes all the same is taken as one.
 */
export async function collectAsItComes(
  response: Response,
  watch: WireWatch,
): Promise<InspectedBody> {
  const type = response.headers.get("content-type") ?? "";
  if (/json/i.test(type)) watch.onWhole();
  const decoder = new TextDecoder();
  let text = "";
  let stream: StreamCollector | undefined;
  let bytes = 0;
  try {
    for await (const piece of response.body ?? []) {
      bytes += piece.byteLength;
      const maxBytes = stream ? maxStreamBytes(watch) : watch.maxResponseBytes;
      // Leaving the loop ends the connection, here and below: the rest is not needed.
      if (bytes > maxBytes) return { failure: describeOversized(watch, "an answer", maxBytes) };
      const next = decoder.decode(piece, { stream: true });
      if (stream === undefined) {
        text += next;
        if (text.trimStart().length < TELLING_LENGTH || !looksLikeStream(text)) continue;
        stream = new StreamCollector(watch);
      }
      const failed = stream.push(text === "" ? next : text);
      text = "";
      if (failed) return failed;
    }
  } catch (error) {
    if (stream === undefined) throw error;
    return stream.end(redactError(error, watch.endpoint.secrets));
  }
  return stream ? stream.end() : inspectWholeBody(text, watch);
}
