import { isFields, type Fields } from "../wire/normalize-message.ts";

/** What of a request decides what an answer to it looks like. */
export interface AskedRequest {
  readonly isStream: boolean;
  /** It goes to the Responses API, not to Chat Completions. */
  readonly isForResponses: boolean;
  /** The tool that has to be called. */
  readonly forcedTool: string | undefined;
  /** The answer has to have a shape, as a tool call or as JSON. */
  readonly wantsShape: boolean;
  /** The JSON schema of that shape, where the request says it. */
  readonly schema: Fields | undefined;
}

function readFields(value: unknown, ...path: readonly string[]): Fields | undefined {
  let current = value;
  for (const key of path) current = isFields(current) ? current[key] : undefined;
  return isFields(current) ? current : undefined;
}

/** A function of either API, which differ in where they put name and parameters. */
function readFunction(tool: unknown): Fields | undefined {
  return readFields(tool, "function") ?? readFields(tool);
}

function readForcedTool({ tool_choice: choice }: Fields): string | undefined {
  const name = isFields(choice) ? readFunction(choice)?.["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

function findParameters({ tools }: Fields, name: string): Fields | undefined {
  const named = (Array.isArray(tools) ? (tools as unknown[]) : [])
    .map(readFunction)
    .find((tool) => tool?.["name"] === name);
  return readFields(named, "parameters");
}

/** Reads the body of a request. */
export function readAskedRequest(text: unknown): AskedRequest {
  const parsed: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
  const body = isFields(parsed) ? parsed : {};
  const forcedTool = readForcedTool(body);
  const format = readFields(body, "response_format") ?? readFields(body, "text", "format");
  const formatSchema = readFields(format, "json_schema", "schema") ?? readFields(format, "schema");
  const wantsJson = format !== undefined && format["type"] !== "text";
  return {
    isStream: body["stream"] === true,
    isForResponses: "input" in body,
    forcedTool,
    wantsShape: forcedTool !== undefined || wantsJson,
    schema: forcedTool === undefined ? formatSchema : findParameters(body, forcedTool),
  };
}
