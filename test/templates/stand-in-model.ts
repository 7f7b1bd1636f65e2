import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A server that speaks OpenAI's chat completions as far as the templates need them. */
export interface StandInModel extends AsyncDisposable {
  readonly baseURL: string;
  /** The models that were asked, one by one. */
  readonly asked: string[];
}

interface ChatRequest {
  readonly model: string;
  readonly stream?: boolean;
}

/** Starts a server whose models all say the same. */
export async function startStandInModel(content: string): Promise<StandInModel> {
  const asked: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { model, stream } = JSON.parse(await text(request)) as ChatRequest;
    asked.push(model);
    const reply = { id: "1", created: 0, model, usage: USAGE };
    const choice = { index: 0, finish_reason: "stop" };
    if (stream !== true) {
      const choices = [{ ...choice, message: { role: "assistant", content } }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...reply, object: "chat.completion", choices }));
      return;
    }
    const choices = [{ ...choice, delta: { role: "assistant", content } }];
    const chunk = JSON.stringify({ ...reply, object: "chat.completion.chunk", choices });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${chunk}\n\ndata: [DONE]\n\n`);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
