import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { toJsonSchema, Validator } from "@langchain/core/utils/json_schema";
import type { AnswerCheck } from "./attempt/answer-check.ts";
import { isWholeArguments } from "./wire/tool-call-numbering.ts";

/** What this package needs of LangChain's parsers of structured output. */
export interface AnswerParser {
  parseResult(generations: [{ text: string; message: BaseMessage }]): Promise<unknown>;
}

/** What is wrong with a value by a JSON schema, which LangChain's parsers do not look at. */
function findSchemaProblem(schema: Record<string, unknown>, value: unknown): string | undefined {
  const { errors, valid } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return undefined;
  return errors.map(({ error, instanceLocation }) => `${instanceLocation}: ${error}`).join("; ");
}

/**
 * Whether arguments of a streamed tool call are not whole. LangChain's parser completes them by guesses, and
 * would hand out `{ city: "Pa" }` for `{ "city": "Pa`.
 */
function hasBrokenArguments(message: BaseMessage): boolean {
  const { tool_call_chunks: calls = [] } = message as Partial<AIMessageChunk>;
  return calls.some(({ args = "" }) => !isWholeArguments(args));
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the model has refused to answer: that is no question of shape. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === "ModelRefusalError";
}

/**
 * A check that an answer has the shape that was asked for, with the parser that will read it.
 *
 * @param jsonSchema Looked at as well; `undefined` where the parser knows the schema.
 */
export function createStructuredAnswerCheck(
  parser: AnswerParser,
  jsonSchema: Record<string, unknown> | undefined,
  acceptsLast: boolean,
): AnswerCheck {
  return {
    acceptsLast,
    async findProblem(message) {
      try {
        if (hasBrokenArguments(message)) return "the arguments of its tool call are broken JSON.";
        const value = await parser.parseResult([{ text: message.text, message }]);
        if (value === undefined || value === null) {
          return "it does not call the tool that the answer has to be given with.";
        }
        return jsonSchema && findSchemaProblem(jsonSchema, value);
      } catch (error) {
        return isRefusal(error) ? undefined : describeError(error);
      }
    },
  };
}

/** A whole OpenAI function definition, which is accepted in place of a schema. */
interface FunctionDefinition {
  readonly name: string;
  readonly parameters: object | null;
}

export function isFunctionDefinition(schema: unknown): schema is FunctionDefinition {
  const { name, parameters } = schema as Partial<Record<keyof FunctionDefinition, unknown>>;
  return typeof name === "string" && typeof parameters === "object";
}

/** The JSON schema of what a function takes, or of an answer, in whichever form it was given. */
export function readJsonSchema(schema: unknown): Record<string, unknown> {
  const jsonSchema = isFunctionDefinition(schema)
    ? schema.parameters
    : toJsonSchema(schema as object);
  return jsonSchema as Record<string, unknown>;
}
