import { toolCall } from "./shapes.ts";

/** How a model is made to answer in a shape. */
export type StructuredMethod = "functionCalling" | "jsonSchema" | "jsonMode";

/** An answer to a request for structured output. */
export interface StructuredRow {
  readonly method: StructuredMethod;
  /** What it is, as the page and the test's name say it. */
  readonly sends: string;
  /** The message of a whole answer. Streamed, its text comes in pieces and its tool calls whole. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly finishReason?: string;
  /**
   * - `parsed`: handed out as the value.
   * - `repaired`: an attempt that failed, so the model is asked again with the validator's message.
   * - `refused`: LangChain's `ModelRefusalError`, without another attempt.
   */
  readonly becomes: "parsed" | "repaired" | "refused";
}

/** The value that every row means. */
export const PARIS = { city: "Paris" };
/** The name of the tool, or of the schema. */
export const SCHEMA_NAME = "extract";

const JSON_OF_PARIS = JSON.stringify(PARIS);
const REFUSAL = "I will not say where that is.";

/** What comes in place of a call of the tool, or as a call that is odd or broken. */
const CALLS: readonly Omit<StructuredRow, "method">[] = [
  {
    sends: "the call",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, JSON_OF_PARIS)] },
    becomes: "parsed",
  },
  {
    sends: "the call, after thoughts in tags",
    message: {
      content: "<think>The capital.</think>",
      tool_calls: [toolCall(SCHEMA_NAME, JSON_OF_PARIS)],
    },
    becomes: "parsed",
  },
  {
    sends: "the call with finish reason stop",
    message: { content: "", tool_calls: [toolCall(SCHEMA_NAME, JSON_OF_PARIS)] },
    finishReason: "stop",
    becomes: "parsed",
  },
  {
    sends: "arguments as an object",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, PARIS)] },
    becomes: "parsed",
  },
  {
    sends: "a call without id",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, JSON_OF_PARIS, { id: "" })] },
    becomes: "parsed",
  },
  {
    sends: "two calls of the tool: the first one counts",
    message: {
      content: null,
      tool_calls: [
        toolCall(SCHEMA_NAME, JSON_OF_PARIS),
        toolCall(SCHEMA_NAME, '{"city": "Lyon"}', { id: "call_2" }),
      ],
    },
    becomes: "parsed",
  },
  {
    sends: "prose in place of the call",
    message: { content: "That is Paris." },
    finishReason: "stop",
    becomes: "repaired",
  },
  {
    sends: "the JSON as text in place of the call",
    message: { content: JSON_OF_PARIS },
    finishReason: "stop",
    becomes: "repaired",
  },
  {
    sends: "the JSON in a fence in place of the call",
    message: { content: `\`\`\`json\n${JSON_OF_PARIS}\n\`\`\`` },
    finishReason: "stop",
    becomes: "repaired",
  },
  {
    sends: "the call as text, in the tags of the model's template",
    message: {
      content: `<tool_call>{"name": "${SCHEMA_NAME}", "arguments": ${JSON_OF_PARIS}}</tool_call>`,
    },
    finishReason: "stop",
    becomes: "repaired",
  },
  {
    sends: "a call of another tool",
    message: { content: null, tool_calls: [toolCall("search", JSON_OF_PARIS)] },
    becomes: "repaired",
  },
  {
    sends: "no arguments",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, "")] },
    becomes: "repaired",
  },
  {
    sends: "broken arguments",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, '{"city": "Pa')] },
    becomes: "repaired",
  },
  {
    sends: "arguments cut at the token limit",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, '{"city": "Pa')] },
    finishReason: "length",
    becomes: "repaired",
  },
  {
    sends: "arguments as JSON in a JSON text",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, JSON.stringify(JSON_OF_PARIS))] },
    becomes: "repaired",
  },
  {
    sends: "a value of another type",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, '{"city": 75}')] },
    becomes: "repaired",
  },
  {
    sends: "the value under the tool's name",
    message: {
      content: null,
      tool_calls: [toolCall(SCHEMA_NAME, `{"${SCHEMA_NAME}": ${JSON_OF_PARIS}}`)],
    },
    becomes: "repaired",
  },
  {
    sends: "null for the value",
    message: { content: null, tool_calls: [toolCall(SCHEMA_NAME, '{"city": null}')] },
    becomes: "repaired",
  },
];

/** What comes in place of the JSON. */
const TEXTS: readonly Omit<StructuredRow, "method">[] = [
  { sends: "the JSON", message: { content: JSON_OF_PARIS }, becomes: "parsed" },
  {
    sends: "the JSON in a fence",
    message: { content: `\`\`\`json\n${JSON_OF_PARIS}\n\`\`\`` },
    becomes: "parsed",
  },
  {
    sends: "the JSON as parts of a list",
    message: { content: [{ type: "text", text: JSON_OF_PARIS }] },
    becomes: "parsed",
  },
  {
    sends: "the JSON, with the thoughts apart from it",
    message: { content: JSON_OF_PARIS, reasoning_content: "The capital." },
    becomes: "parsed",
  },
  {
    sends: "thoughts in tags before the JSON",
    message: { content: `<think>The capital.</think>\n${JSON_OF_PARIS}` },
    becomes: "repaired",
  },
  {
    sends: "a sentence before the JSON",
    message: { content: `Here you are: ${JSON_OF_PARIS}` },
    becomes: "repaired",
  },
  { sends: "prose", message: { content: "That is Paris." }, becomes: "repaired" },
  { sends: "nothing", message: { content: "" }, becomes: "repaired" },
  { sends: "broken JSON", message: { content: '{"city": "Paris"' }, becomes: "repaired" },
  {
    sends: "JSON cut at the token limit",
    message: { content: '{"city": "Pa' },
    finishReason: "length",
    becomes: "repaired",
  },
  { sends: "a value of another type", message: { content: '{"city": 75}' }, becomes: "repaired" },
  {
    sends: "the value under the schema's name",
    message: { content: `{"${SCHEMA_NAME}": ${JSON_OF_PARIS}}` },
    becomes: "repaired",
  },
  {
    sends: "the value in a list",
    message: { content: `[${JSON_OF_PARIS}]` },
    becomes: "repaired",
  },
  {
    sends: "the schema itself",
    message: { content: '{"type": "object", "properties": {"city": {"type": "string"}}}' },
    becomes: "repaired",
  },
  {
    sends: "a call of a tool in place of the JSON",
    message: { content: null, tool_calls: [toolCall("json_tool_call", JSON_OF_PARIS)] },
    finishReason: "tool_calls",
    becomes: "repaired",
  },
  {
    sends: "a refusal",
    message: { content: null, refusal: REFUSAL },
    becomes: "refused",
  },
];

function tagRows(
  method: StructuredMethod,
  rows: readonly Omit<StructuredRow, "method">[],
): StructuredRow[] {
  return rows.map((row) => ({ method, ...row }));
}

/** How models of all providers answer that are asked for structured output. */
export const STRUCTURED_ROWS: readonly StructuredRow[] = [
  ...tagRows("functionCalling", CALLS),
  ...tagRows("jsonSchema", TEXTS),
  ...tagRows("jsonMode", TEXTS),
];
