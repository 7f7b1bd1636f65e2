import type { Failure } from "../failure/failure.ts";
import { redactError } from "../failure/redact.ts";
import { describeOversized, maxStreamBytes } from "./body-limit.ts";
import { inspectJsonBody } from "./inspect-json-body.ts";
import type { Fields } from "./normalize-message.ts";
import { rebuildResponse } from "./rebuild-response.ts";
import { replayAsStream } from "./replay-as-stream.ts";
import { replayResponseAsStream } from "./replay-response-as-stream.ts";
import { SseInspector } from "./sse-inspector.ts";
import { failWatch } from "./wire-failure.ts";
import type { WireWatch } from "./wire-watch.ts";

/** What is to be handed on of the rest of a body, and whether it failed. */
interface Rest {
  readonly text: string;
  readonly failure: Failure | undefined;
}

/** Whether a body begins as JSON or HTML does, and no stream of events. */
function beginsWhole(text: string): boolean {
  return /^\s*[{[<]/.test(text);
}

/** A whole body in place of a stream: an answer is handed on as one. */
function replayWhole(body: string, watch: WireWatch): Rest {
  const inspected = inspectJsonBody(body, watch);
  if ("failure" in inspected) return { text: "", failure: inspected.failure };
  const answer = JSON.parse(inspected.body) as Fields;
  const text =
    answer["object"] === "response" ? replayResponseAsStream(answer) : replayAsStream(answer);
  watch.body = body;
  watch.onProgress();
  return { text, failure: undefined };
}

/**
 * The response to a request for a stream, watched as it is read: it fails where the answer is none or
 * breaks off, and hands on what LangChain can read. The content type is not looked at; gateways send
 * streams as JSON or HTML, and whole answers as streams.
 */
export function inspectStream(response: Response, watch: WireWatch): Response {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const inspector = new SseInspector(watch);
  let hasBegun = false;
  /** The body so far, if it is no stream of events. */
  let whole: string | undefined;
  let pending: Failure | undefined;
  let bytes = 0;

  const end = (cause?: unknown): Rest => {
    if (whole !== undefined) return replayWhole(whole, watch);
    const { reframed = "", failure } = inspector.end(cause);
    return { text: reframed, failure };
  };
  const finish = (controller: ReadableStreamDefaultController<Uint8Array>, rest: Rest) => {
    if (rest.text !== "") controller.enqueue(encoder.encode(rest.text));
    if (!rest.failure) controller.close();
    // An error drops what is queued, so what came before it goes first.
    else if (rest.text === "") controller.error(failWatch(watch, rest.failure));
    else pending = rest.failure;
  };

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          if (pending) {
            controller.error(failWatch(watch, pending));
            return;
          }
          let piece: Awaited<ReturnType<typeof reader.read>>;
          try {
            piece = await reader.read();
          } catch (error) {
            finish(controller, end(redactError(error, watch.endpoint.secrets)));
            return;
          }
          if (piece.done) {
            finish(controller, end());
            return;
          }
          bytes += piece.value.byteLength;
          const isStream = hasBegun && whole === undefined;
          const maxBytes = isStream ? maxStreamBytes(watch) : watch.maxResponseBytes;
          if (bytes > maxBytes) {
            reader.cancel().catch(() => undefined);
            finish(controller, {
              text: "",
              failure: describeOversized(watch, "an answer", maxBytes),
            });
            return;
          }
          const text = decoder.decode(piece.value, { stream: true });
          if (!hasBegun) {
            hasBegun = text.trim() !== "";
            if (beginsWhole(text)) whole = "";
          }
          if (whole !== undefined) {
            whole += text;
            continue;
          }
          const { reframed, failure } = inspector.push(text);
          if (reframed === undefined) {
            controller.enqueue(piece.value);
            return;
          }
          if (failure) {
            // The rest is not needed; give the connection back.
            reader.cancel().catch(() => undefined);
            finish(controller, { text: reframed, failure });
            return;
          }
          if (reframed !== "") {
            controller.enqueue(encoder.encode(reframed));
            return;
          }
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // Nothing is read ahead: an unread stream must not look alive to the idle timer.
    { highWaterMark: 0 },
  );
  return rebuildResponse(response, body);
}
