import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from "@langchain/core/language_models/base";
import {
  assembleStructuredOutputPipeline,
  createContentParser,
  createFunctionCallingParser,
} from "@langchain/core/language_models/structured_output";
import { JsonOutputParser } from "@langchain/core/output_parsers";
import type { Runnable } from "@langchain/core/runnables";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import { isSerializableSchema } from "@langchain/core/utils/standard_schema";
import { getSchemaDescription, isInteropZodSchema } from "@langchain/core/utils/types";
import { makeParserRestartable } from "./answer/restartable-parser.ts";
import type { AnswerCheck } from "./attempt/answer-check.ts";
import {
  type AnswerParser,
  createStructuredAnswerCheck,
  isFunctionDefinition,
  readJsonSchema,
} from "./structured-answer-check.ts";

/** A zod schema, a JSON schema, or an OpenAI function definition. */
type StructuredOutputSchema = Parameters<typeof createContentParser>[0];
type BoundModel = Runnable<BaseLanguageModelInput>;
type Parser = AnswerParser & Parameters<typeof assembleStructuredOutputPipeline>[1];

/** How a model is made to answer in a given shape. */
export type StructuredOutputMethod = "functionCalling" | "jsonMode" | "jsonSchema";

function describeFunction(schema: StructuredOutputSchema, name: string | undefined) {
  const jsonSchema = toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]) as Record<
    string,
    unknown
  >;
  if (!isInteropZodSchema(schema) && !isSerializableSchema(schema)) {
    if (isFunctionDefinition(schema)) return { name: schema.name, function: schema };
    const { title } = schema as { title?: unknown };
    const functionName = name ?? (typeof title === "string" ? title : "extract");
    return {
      name: functionName,
      function: {
        name: functionName,
        description: jsonSchema["description"] ?? "",
        parameters: jsonSchema,
      },
    };
  }
  const functionName = name ?? "extract";
  return {
    name: functionName,
    function: {
      name: functionName,
      description: jsonSchema["description"] ?? "A function available to call.",
      parameters: jsonSchema,
    },
  };
}

/**
 * Keeps the OpenAI SDK from reading the answer: it would throw at what is no JSON, before anybody could
 * see the answer. It looks for this property, which is not sent.
 */
function leaveUnparsed(format: object): object {
  return Object.defineProperty(format, "$parseRaw", { value: () => null });
}

/**
 * The pipeline behind `withStructuredOutput`: the model bound to the schema, and the parser. Answers
 * that the parser could not read are attempts that failed.
 *
 * @param bind Binds call options to the model, and what its answers have to be.
 * @param defaultMethod Used where the caller names no method.
 */
export function createStructuredOutput(
  bind: (options: Record<string, unknown>, check: AnswerCheck) => BoundModel,
  schema: StructuredOutputSchema,
  config: StructuredOutputMethodOptions<boolean> | undefined,
  defaultMethod: StructuredOutputMethod,
): Runnable<BaseLanguageModelInput> {
  // Checked by `checkStructuredOutput`, as is what goes with it.
  const method = (config?.method ?? defaultMethod) as StructuredOutputMethod;
  const strict = config?.strict === undefined ? {} : { strict: config.strict };
  const toSchema = () => toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]);
  const includeRaw = config?.includeRaw;
  const isKnownToParser = isInteropZodSchema(schema) || isSerializableSchema(schema);
  const assemble = (options: Record<string, unknown>, parser: Parser) => {
    makeParserRestartable(parser);
    const jsonSchema = isKnownToParser ? undefined : readJsonSchema(schema);
    const check = createStructuredAnswerCheck(parser, jsonSchema, includeRaw === true);
    return assembleStructuredOutputPipeline(bind(options, check), parser, includeRaw);
  };
  if (method === "functionCalling") {
    const described = describeFunction(schema, config?.name);
    const options = {
      tools: [{ type: "function", function: described.function }],
      tool_choice: { type: "function", function: { name: described.name } },
      ls_structured_output_format: { kwargs: { method: "function_calling" }, schema: toSchema() },
      ...strict,
    };
    return assemble(options, createFunctionCallingParser(schema, described.name) as Parser);
  }
  if (method === "jsonMode") {
    const options = {
      response_format: { type: "json_object" },
      ls_structured_output_format: { kwargs: { method: "json_mode" }, schema: toSchema() },
    };
    return assemble(options, createContentParser(schema) as Parser);
  }
  const jsonSchema = toSchema();
  const description = getSchemaDescription(jsonSchema);
  const options = {
    response_format: leaveUnparsed({
      type: "json_schema",
      json_schema: {
        name: config?.name ?? "extract",
        ...(description === undefined ? {} : { description }),
        // The schema in JSON, not the zod object: given that, the SDK parses by itself, and throws
        // at an answer that was cut off at the token limit.
        schema: jsonSchema,
        strict: config?.strict ?? isInteropZodSchema(schema),
      },
    }),
    ls_structured_output_format: { kwargs: { method: "json_schema" }, schema: jsonSchema },
  };
  const parser = isKnownToParser
    ? createContentParser(schema)
    : new JsonOutputParser<Record<string, unknown>>();
  return assemble(options, parser as Parser);
}
