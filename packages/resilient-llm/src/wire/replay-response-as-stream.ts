import { isFields, type Fields } from "./normalize-message.ts";

function listFields(value: unknown): Fields[] {
  return Array.isArray(value) ? (value as unknown[]).filter((item) => isFields(item)) : [];
}

/** The events of one item of the output: text and arguments in one piece each. */
function replayItem(item: Fields, index: number): Fields[] {
  const place = { item_id: item["id"], output_index: index };
  const { arguments: args, input } = item;
  const pieces: Fields[] = [];
  if (typeof args === "string") {
    pieces.push({ type: "response.function_call_arguments.delta", ...place, delta: args });
  } else if (item["type"] === "custom_tool_call" && typeof input === "string") {
    pieces.push({ type: "response.custom_tool_call_input.delta", ...place, delta: input });
  }
  for (const [part, content] of listFields(item["content"]).entries()) {
    const here = { ...place, content_index: part };
    if (typeof content["text"] === "string" && content["text"] !== "") {
      pieces.push({ type: "response.output_text.delta", ...here, delta: content["text"] });
    }
    for (const annotation of listFields(content["annotations"])) {
      pieces.push({ type: "response.output_text.annotation.added", ...here, annotation });
    }
    if (typeof content["refusal"] === "string") {
      pieces.push({ type: "response.refusal.done", ...here, refusal: content["refusal"] });
    }
  }
  const begun = { ...item };
  // What comes in pieces is not there when the item begins, or it would be read twice.
  if (typeof args === "string") begun["arguments"] = "";
  if (typeof input === "string") begun["input"] = "";
  if (Array.isArray(item["content"])) begun["content"] = [];
  return [
    { type: "response.output_item.added", output_index: index, item: begun },
    ...pieces,
    { type: "response.output_item.done", output_index: index, item },
  ];
}

/** A whole answer of the Responses API as the events of its stream, for layers that asked for one. */
export function replayResponseAsStream(response: Fields): string {
  const end = response["status"] === "incomplete" ? "response.incomplete" : "response.completed";
  const events: Fields[] = [
    { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
    ...listFields(response["output"]).flatMap(replayItem),
    { type: end, response },
  ];
  const framed = events.map((event, index) => {
    const data = JSON.stringify({ ...event, sequence_number: index });
    return `event: ${String(event["type"])}\ndata: ${data}\n\n`;
  });
  return framed.join("");
}
