import { z } from "zod";
import type { ResilienceListener } from "../events/events.ts";
import { checkOptions } from "./check-options.ts";
import { functionOf, positiveCount, refused } from "./value-schemas.ts";

const abortSignal = z.custom<AbortSignal>(
  (value) => typeof value === "object" && value !== null && "aborted" in value,
  "an AbortSignal",
);

const anyObject = z.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "an object",
);

const tools = z.array(anyObject);

/** What is known of a call's options. Others go to the models as they are. */
const callOptions = z.looseObject({
  signal: abortSignal.optional(),
  timeout: z.number().positive().optional(),
  maxConcurrency: positiveCount.optional(),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  tools: tools.optional(),
  tool_choice: z.union([z.string(), anyObject]).optional(),
  response_format: anyObject.optional(),
  strict: z.boolean().optional(),
  parallel_tool_calls: z.boolean().optional(),
  journal: z
    .union([z.literal("off"), z.strictObject({ task: z.string().min(1) })], {
      error: '"off", or an object with the name of the task as in { task: "step-3" }',
    })
    .optional(),
  // LangChain's agents pass 0 where they retry by themselves.
  maxRetries: z
    .literal(0, { error: "nothing here, because retry.maxRetries of the model sets the retries" })
    .optional(),
  stream: refused("nothing here, because stream() and invoke() decide"),
  streaming: refused("nothing here, because stream() and invoke() decide"),
});

const CALL_OPTION_NAMES = Object.keys(callOptions.shape);

/** Most calls bring none of the options that are checked here, and a schema costs each call time. */
function hasNothingToCheck(options: unknown): boolean {
  if (options === undefined || options === null) return true;
  if (typeof options !== "object" || Array.isArray(options)) return false;
  return CALL_OPTION_NAMES.every((name) => options[name as keyof typeof options] === undefined);
}

/**
 * Checks the options of one call, or those bound to a model.
 *
 * @throws InvalidOptionsError if one cannot be used
 */
export function checkCallOptions(owner: string, options: unknown): void {
  if (!hasNothingToCheck(options)) checkOptions(owner, callOptions, options);
}

const toolsOnly = z.looseObject({ tools });

/**
 * Checks what `bindTools` was given.
 *
 * @throws InvalidOptionsError if it is no array of tools
 */
export function checkTools(given: unknown): void {
  checkOptions("ResilientChatModel.bindTools", toolsOnly, { tools: given });
}

const subscription = z.strictObject({ listener: functionOf<ResilienceListener>() });

/**
 * Checks what `subscribe` was given.
 *
 * @throws InvalidOptionsError if it is no function
 */
export function checkListener(listener: unknown): void {
  checkOptions("ResilientChatModel.subscribe", subscription, { listener });
}

const structuredOutput = z
  .strictObject({
    schema: z.custom<object>(
      (value) => (typeof value === "object" && value !== null) || typeof value === "function",
      "a zod schema, a JSON schema or a function definition",
    ),
    name: z.string().min(1).optional(),
    method: z.enum(["functionCalling", "jsonMode", "jsonSchema"]).optional(),
    includeRaw: z.boolean().optional(),
    strict: z.boolean().optional(),
  })
  .superRefine(({ method, strict }, context) => {
    if (method !== "jsonMode" || strict === undefined) return;
    const message = 'nothing beside the method "jsonMode", which checks no schema';
    context.addIssue({ code: "custom", path: ["strict"], message });
  });

/**
 * Checks what `withStructuredOutput` was given.
 *
 * @throws InvalidOptionsError if the schema is not a schema, or an option is unknown or has no effect
 */
export function checkStructuredOutput(schema: unknown, config: object | undefined): void {
  const owner = "ResilientChatModel.withStructuredOutput";
  checkOptions(owner, structuredOutput, { ...config, schema });
}
