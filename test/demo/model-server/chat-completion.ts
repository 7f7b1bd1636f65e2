import type { Reply, ScriptedToolCall } from "@threadkeep/examples/demo/scripted-model";
import { digestMessages, messageText, type ChatRequest } from "./chat-protocol.ts";

/** Words, or pieces of a tool call's arguments, that a stream sends one by one. */
const PIECE = /\s*\S+/g;

/** A whole answer in the form of OpenAI's `chat.completion`. */
export function renderCompletion(request: ChatRequest, reply: Reply): object {
  return {
    ...envelope(request, "chat.completion"),
    choices: [
      {
        index: 0,
        message:
          typeof reply === "string"
            ? { role: "assistant", content: reply }
            : { role: "assistant", content: null, tool_calls: [toolCall(request, reply)] },
        finish_reason: finishReason(reply),
      },
    ],
    usage: countUsage(request, reply),
  };
}

/**
 * The same answer as a sequence of `chat.completion.chunk`s; the usage comes last, if it was asked
 * for.
 */
export function* renderChunks(request: ChatRequest, reply: Reply): Generator<object> {
  const head = envelope(request, "chat.completion.chunk");
  const chunk = (delta: object, finish_reason: string | null = null): object => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason }],
  });

  if (typeof reply === "string") {
    yield chunk({ role: "assistant", content: "" });
    for (const [piece] of reply.matchAll(PIECE)) yield chunk({ content: piece });
  } else {
    const call = toolCall(request, reply);
    yield chunk({
      role: "assistant",
      content: null,
      tool_calls: [{ index: 0, ...call, function: { ...call.function, arguments: "" } }],
    });
    for (const [piece] of call.function.arguments.matchAll(PIECE))
      yield chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
  }
  yield chunk({}, finishReason(reply));
  if (request.stream_options?.include_usage)
    yield { ...head, choices: [], usage: countUsage(request, reply) };
}

function envelope(request: ChatRequest, object: string): object {
  return {
    id: `chatcmpl-${digestMessages(request.messages)}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  };
}

function toolCall(request: ChatRequest, reply: ScriptedToolCall) {
  return {
    id: `call_${digestMessages(request.messages)}`,
    type: "function",
    function: { name: reply.tool, arguments: JSON.stringify(reply.args) },
  };
}

function finishReason(reply: Reply): string {
  return typeof reply === "string" ? "stop" : "tool_calls";
}

function countUsage(request: ChatRequest, reply: Reply): object {
  const prompt_tokens = estimateTokens(request.messages.map(messageText).join("\n"));
  const completion_tokens = estimateTokens(
    typeof reply === "string" ? reply : JSON.stringify(reply.args),
  );
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** Four characters to a token, the rule of thumb for English. */
function estimateTokens(words: string): number {
  return Math.ceil(words.length / 4);
}
