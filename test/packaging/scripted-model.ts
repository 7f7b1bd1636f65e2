import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A server that speaks the API of chat completions. */
export interface ScriptedModel {
  /** What clients take as `baseURL`. */
  readonly baseURL: string;
  close(): Promise<void>;
}

interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/**
 * Starts a model that answers "I am."; told to note something, it writes that into a file first, with
 * the tool that a deep agent has for it.
 */
export async function startScriptedModel(): Promise<ScriptedModel> {
  let answers = 0;
  const answer = async (request: IncomingMessage): Promise<object> => {
    const { role, content } = ((await json(request)) as ChatRequest).messages.at(-1)!;
    const asksForNote = role === "user" && JSON.stringify(content).includes("Note it.");
    answers += 1;
    return {
      id: `chatcmpl-${answers}`,
      object: "chat.completion",
      created: 0,
      model: "scripted",
      choices: [
        asksForNote
          ? { index: 0, message: WRITES_NOTE, finish_reason: "tool_calls" }
          : { index: 0, message: IS_THERE, finish_reason: "stop" },
      ],
      usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    };
  };
  const server = createServer((request, response) => {
    void answer(request).then((body) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const IS_THERE = { role: "assistant", content: "I am." };

const WRITES_NOTE = {
  role: "assistant",
  content: null,
  tool_calls: [
    {
      id: "call-1",
      type: "function",
      function: {
        name: "write_file",
        arguments: JSON.stringify({ file_path: "/note.txt", content: "noted" }),
      },
    },
  ],
};
