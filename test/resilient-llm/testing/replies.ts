import { setTimeout as delay } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import type { Reply } from "./fault-server.ts";

/** Usage as providers report it. */
export const usage = {
  prompt_tokens: 10,
  completion_tokens: 5,
  total_tokens: 15,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

/** One step of a streamed reply: something to send, a pause, or the end of the connection. */
export type StreamStep =
  | { readonly text: string }
  | { readonly toolCall: { readonly id?: string; readonly name?: string; readonly args: string } }
  | { readonly frame: unknown }
  | { readonly raw: string }
  | { readonly waitMs: number }
  | { readonly finish: string }
  | { readonly usage: object }
  | { readonly done: true }
  | { readonly reset: true }
  | { readonly hang: true };

let answersSent = 0;

/** LangGraph takes two messages with one id for one message, so every answer has its own. */
function createAnswerId(): string {
  answersSent += 1;
  return `chatcmpl-${answersSent}`;
}

function writeEvent(response: ServerResponse, frame: unknown): void {
  response.write(`data: ${JSON.stringify(frame)}\n\n`);
}

/** A streamed reply made of steps. */
export function stream(...steps: readonly StreamStep[]): Reply {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    const chunkBase = {
      id: createAnswerId(),
      object: "chat.completion.chunk",
      created: 1,
      model: "served",
    };
    const frameOf = (delta: object, finishReason: string | null = null) => ({
      ...chunkBase,
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    });
    writeEvent(response, frameOf({ role: "assistant", content: "" }));
    for (const step of steps) {
      if (response.destroyed) return;
      if ("text" in step) writeEvent(response, frameOf({ content: step.text }));
      else if ("toolCall" in step) {
        const { id, name, args } = step.toolCall;
        const call = {
          index: 0,
          ...(id === undefined ? {} : { id, type: "function" }),
          function: { ...(name === undefined ? {} : { name }), arguments: args },
        };
        writeEvent(response, frameOf({ tool_calls: [call] }));
      } else if ("frame" in step) writeEvent(response, step.frame);
      else if ("raw" in step) response.write(step.raw);
      else if ("waitMs" in step) await delay(step.waitMs);
      else if ("finish" in step) writeEvent(response, frameOf({}, step.finish));
      else if ("usage" in step)
        writeEvent(response, { ...chunkBase, choices: [], usage: step.usage });
      else if ("reset" in step) {
        // Give what was written a chance to arrive before the connection is torn down.
        await delay(5);
        response.socket?.resetAndDestroy();
        return;
      } else if ("hang" in step) return;
      else response.write("data: [DONE]\n\n");
    }
    response.end();
  };
}

/** A complete streamed answer, word by word. */
export function streamText(text: string): Reply {
  const words = text.match(/\S+\s*/g) ?? [];
  return stream(
    ...words.map((word) => ({ text: word })),
    { finish: "stop" },
    { usage },
    { done: true },
  );
}

/** A JSON reply with any status. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A complete answer in one piece. */
export function completion(
  text: string | null,
  extra: {
    readonly finishReason?: string;
    readonly toolCalls?: readonly { readonly name: string; readonly args: string }[];
    readonly usage?: object | null;
  } = {},
): Reply {
  const toolCalls = extra.toolCalls?.map(({ name, args }, index) => ({
    id: `call_${index}`,
    type: "function",
    function: { name, arguments: args },
  }));
  const message = {
    role: "assistant",
    content: text,
    ...(toolCalls ? { tool_calls: toolCalls } : {}),
  };
  const finishReason = extra.finishReason ?? (toolCalls ? "tool_calls" : "stop");
  return (response, request) =>
    json(200, {
      id: createAnswerId(),
      object: "chat.completion",
      created: 1,
      model: "served",
      choices: [{ index: 0, message, finish_reason: finishReason }],
      ...(extra.usage === null ? {} : { usage: extra.usage ?? usage }),
    })(response, request);
}

/** The same complete answer, streamed or not, as the request wants it. */
export function answer(text: string): Reply {
  const streamed = streamText(text);
  const whole = completion(text);
  return (response, request) => (request.streaming ? streamed : whole)(response, request);
}

/** An error as OpenAI reports it. */
export function error(
  status: number,
  headers: Record<string, string> = {},
  details: { readonly code?: string; readonly type?: string; readonly message?: string } = {},
): Reply {
  return json(
    status,
    {
      error: {
        message: details.message ?? `scripted ${status}`,
        type: details.type,
        code: details.code,
      },
    },
    headers,
  );
}

/** An HTML page with any status. */
export function html(status: number, text: string): Reply {
  return (response) => {
    response.writeHead(status, { "content-type": "text/html" });
    response.end(
      `<!doctype html><html><head><style>p{color:red}</style></head><body><p>${text}</p></body></html>`,
    );
  };
}

/** Tears the connection down before a single byte of the answer. */
export const resetAtOnce: Reply = (response) => {
  response.socket?.resetAndDestroy();
};

/** Takes the request and never answers. */
export const hang: Reply = () => undefined;

/** A reply with further headers. */
export function withHeaders(headers: Readonly<Record<string, string>>, reply: Reply): Reply {
  return (response, request) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return reply(response, request);
  };
}
