import type { Fields } from "../wire/normalize-message.ts";
import { replayAsStream } from "../wire/replay-as-stream.ts";
import { replayResponseAsStream } from "../wire/replay-response-as-stream.ts";
import type { AskedRequest } from "./asked-request.ts";

/** What a simulated answer says: nothing, a text, or a call of a tool. */
export interface SimulatedContent {
  readonly text?: string;
  readonly toolCall?: { readonly name: string; readonly args: string };
}

const ID = "simulated";

function createCompletion({ text = "", toolCall }: SimulatedContent): Fields {
  const calls = toolCall && [
    { id: ID, type: "function", function: { name: toolCall.name, arguments: toolCall.args } },
  ];
  const message = { role: "assistant", content: text, ...(calls ? { tool_calls: calls } : {}) };
  return {
    id: ID,
    object: "chat.completion",
    created: 0,
    model: ID,
    choices: [{ index: 0, message, finish_reason: calls ? "tool_calls" : "stop" }],
  };
}

function createResponse({ text = "", toolCall }: SimulatedContent): Fields {
  const status = "completed";
  const call = toolCall && {
    type: "function_call",
    id: ID,
    call_id: ID,
    name: toolCall.name,
    arguments: toolCall.args,
    status,
  };
  const content = text === "" ? [] : [{ type: "output_text", text, annotations: [] }];
  const message = { type: "message", id: ID, role: "assistant", status, content };
  return {
    id: ID,
    object: "response",
    created_at: 0,
    model: ID,
    status,
    error: null,
    output: [call ?? message],
  };
}

/** A proper answer to a request, as its API gives it, whole or streamed. */
export function createSimulatedAnswer(
  { isForResponses, isStream }: AskedRequest,
  content: SimulatedContent,
): Response {
  const answer = isForResponses ? createResponse(content) : createCompletion(content);
  if (!isStream) return Response.json(answer);
  const streamed = isForResponses ? replayResponseAsStream(answer) : replayAsStream(answer);
  return new Response(streamed, { headers: { "content-type": "text/event-stream" } });
}
