import { expect, it } from "vitest";
import { z } from "zod";
import type { Reply } from "../testing/fault-server.ts";
import { createModel, startServer } from "../testing/test-model.ts";
import { serveAnswer } from "./serve-row.ts";
import { completion, delta, DONE, toolCall } from "./shapes.ts";
import {
  PARIS,
  SCHEMA_NAME,
  STRUCTURED_ROWS,
  type StructuredMethod,
  type StructuredRow,
} from "./structured-rows.ts";

const City = z.strictObject({ city: z.string() });
const SCHEMAS = { zod: City, "JSON schema": z.toJSONSchema(City) };
type Way = "invoke" | "stream";

/** The message in the pieces of a stream. */
function toEvents({
  finishReason = "stop",
  message,
}: Pick<StructuredRow, "finishReason" | "message">) {
  const { content, tool_calls: calls, ...others } = message;
  const pieces = typeof content === "string" ? (content.match(/[^]{1,4}/g) ?? []) : [content];
  return [
    delta({ role: "assistant", content: "", ...others }),
    ...pieces.map((piece) => delta({ content: piece })),
    ...(Array.isArray(calls)
      ? calls.map((call, index) => delta({ tool_calls: [{ ...(call as object), index }] }))
      : []),
    delta({}, finishReason),
    DONE,
  ];
}

function serve(row: Pick<StructuredRow, "finishReason" | "message">): Reply {
  const finishReason = row.finishReason ?? (row.message["tool_calls"] ? "tool_calls" : "stop");
  return serveAnswer({
    sends: "",
    whole: completion(row.message, finishReason),
    streamed: toEvents({ ...row, finishReason }),
  });
}

/** The answer of a model that has understood what was wrong. */
function serveGood(method: StructuredMethod): Reply {
  const json = JSON.stringify(PARIS);
  return serve({
    message:
      method === "functionCalling"
        ? { content: null, tool_calls: [toolCall(SCHEMA_NAME, json)] }
        : { content: json },
  });
}

const CASES = STRUCTURED_ROWS.flatMap((row) =>
  (["zod", "JSON schema"] as const).flatMap((kind) =>
    (["invoke", "stream"] as const).map(
      (way) => [row.method, row.sends, row.becomes, way, kind, row] as const,
    ),
  ),
);

/** The last value that a caller gets, or the name of the error. */
async function settle(row: StructuredRow, way: Way, schema: keyof typeof SCHEMAS) {
  const server = await startServer(serve(row), serveGood(row.method));
  const { model } = createModel([server]);
  const structured = model.withStructuredOutput(SCHEMAS[schema], {
    method: row.method,
    name: SCHEMA_NAME,
  });
  let outcome: unknown;
  try {
    outcome =
      way === "invoke"
        ? await structured.invoke("Where?")
        : (await Array.fromAsync(await structured.stream("Where?"))).at(-1);
  } catch (error) {
    outcome = (error as Error).name;
  }
  return { outcome, requests: server.requests.length };
}

it.each(CASES)("%s: %s is %s (%s, %s)", async (_, __, becomes, way, schema, row) => {
  const outcome = becomes === "refused" ? "ModelRefusalError" : PARIS;
  const requests = becomes === "repaired" ? 2 : 1;
  expect(await settle(row, way, schema)).toEqual({ outcome, requests });
});
