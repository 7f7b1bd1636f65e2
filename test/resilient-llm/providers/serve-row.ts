import type { ServerResponse } from "node:http";
import type { Clock } from "@threadkeep/resilient-llm";
import type { Reply } from "../testing/fault-server.ts";
import type { AnswerRow, ErrorRow } from "./provider-row.ts";

function toText(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** The reply of an error row; `{now+5000ms}` in it stands for that time of `clock`. */
export function serveError({ body, headers = {}, status }: ErrorRow, clock: Clock): Reply {
  const fill = (text: string) =>
    text.replaceAll(/\{now\+(\d+)ms\}/g, (_, ms) => String(Math.round(clock.now() + Number(ms))));
  return (response) => {
    const filled = Object.entries(headers).map(([name, value]) => [name, fill(value)] as const);
    const text = toText(body);
    const contentType = text.startsWith("<") ? "text/html" : "application/json";
    const all = { "content-type": contentType, ...Object.fromEntries(filled) };
    send(response, status, fill(text), all);
  };
}

/** The reply of an answer row, streamed or whole as the request wants it. */
export function serveAnswer({ contentType, streamed, whole, wholeStatus }: AnswerRow): Reply {
  return async (response, { streaming }) => {
    if (!streaming) {
      send(response, wholeStatus ?? 200, toText(whole), {
        "content-type": contentType ?? "application/json",
      });
      return;
    }
    response.writeHead(200, { "content-type": contentType ?? "text/event-stream" });
    for (const event of typeof streamed === "string" ? [streamed] : (streamed ?? [])) {
      const text = typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`;
      // Cut in the middle: events do not come as whole pieces of the body.
      const middle = Math.floor(text.length / 2);
      response.write(text.slice(0, middle));
      await new Promise(setImmediate);
      response.write(text.slice(middle));
    }
    response.end();
  };
}
