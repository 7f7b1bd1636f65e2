/** The last event of a stream. */
export const DONE = "data: [DONE]\n\n";

/** Usage as most servers report it. */
export const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** An error as OpenAI and most others report it. */
export function openAiError(
  message: string,
  fields: {
    readonly code?: string | number | null;
    readonly type?: string;
    readonly param?: string;
  } = {},
): object {
  const { code = null, type = "invalid_request_error", param = null } = fields;
  return { error: { message, type, param, code } };
}

let answersSent = 0;

/** LangGraph takes two messages with one id for one message, so every answer has its own. */
function createId(): string {
  answersSent += 1;
  return `row-${answersSent}`;
}

/** A whole answer with one choice. */
export function completion(
  message: object | null,
  finishReason: string | null = "stop",
  others: object = {},
): object {
  const whole = message === null ? null : { role: "assistant", ...message };
  return {
    id: createId(),
    object: "chat.completion",
    created: 1,
    model: "served",
    choices: [{ index: 0, message: whole, finish_reason: finishReason }],
    usage: USAGE,
    ...others,
  };
}

/** One event of a streamed answer with one choice. */
export function delta(
  fields: object | undefined,
  finishReason: string | null = null,
  others: object = {},
): object {
  return {
    id: "row-streamed",
    object: "chat.completion.chunk",
    created: 1,
    model: "served",
    choices: [{ index: 0, delta: fields, finish_reason: finishReason }],
    ...others,
  };
}

/** A tool call as OpenAI sends it, with other fields where given. */
export function toolCall(
  name: string,
  args: unknown,
  others: Readonly<Record<string, unknown>> = {},
): object {
  return { id: "call_1", type: "function", function: { name, arguments: args }, ...others };
}

/** The events of a good answer. */
export function streamedText(text: string): object[] {
  const words = text.match(/\S+\s*/g) ?? [];
  return [
    delta({ role: "assistant", content: "" }),
    ...words.map((word) => delta({ content: word })),
  ];
}
