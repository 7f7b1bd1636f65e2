import { isFields } from "../wire/normalize-message.ts";
import { rebuildResponse } from "../wire/rebuild-response.ts";

/** How an answer ends early: the connection breaks, or nothing more comes. */
export type EarlyEnd = "cut" | "stall";

/** What `fetch` of Node.js throws while a body is read whose connection breaks. */
function createBrokenBodyError(): TypeError {
  const cause = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
  return new TypeError("terminated", { cause });
}

function isLastEvent(event: string): boolean {
  const data = event.match(/^data:(.*)$/m)?.[1] ?? "";
  if (/"type"\s*:\s*"response\.(?:completed|incomplete|failed)"/.test(data)) return true;
  try {
    const frame: unknown = JSON.parse(data);
    const choices = isFields(frame) && Array.isArray(frame["choices"]) ? frame["choices"] : [];
    return (choices as unknown[]).some((choice) => isFields(choice) && choice["finish_reason"]);
  } catch {
    return data.trim() === "[DONE]";
  }
}

/** The first `share` of an answer, in pieces as they would come. Its end is never among them. */
function takeShare(body: string, share: number): string[] {
  const events = body.split(/(?<=\r?\n\r?\n)/);
  if (events.length === 1) return [body.slice(0, Math.floor(body.length * share))];
  const end = events.findIndex(isLastEvent);
  const spoken = end === -1 ? events.slice(0, -1) : events.slice(0, end);
  return spoken.slice(0, Math.ceil(spoken.length * share));
}

/** The response, but only the first `share` of its answer. Then it ends early. */
export async function breakAnswer(
  response: Response,
  share: number,
  earlyEnd: EarlyEnd,
): Promise<Response> {
  const pieces = takeShare(await response.text(), share);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = pieces.shift();
        if (piece !== undefined) {
          controller.enqueue(encoder.encode(piece));
          return undefined;
        }
        if (earlyEnd === "cut") controller.error(createBrokenBodyError());
        // A pull that never ends: the reader waits until its own limit ends the attempt.
        return earlyEnd === "stall" ? new Promise<void>(() => {}) : undefined;
      },
    },
    { highWaterMark: 0 },
  );
  return rebuildResponse(response, body);
}
