import { jsonrepair } from "jsonrepair";
import { z } from "zod";
import { AnswerParseError } from "./answer-parse-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { answerSchema, readAnswerText, type Answer } from "./answer-text.ts";
import { findJson } from "./find-json.ts";

/** How {@link parseJsonAnswer} reads. */
export interface ParseJsonOptions {
  /**
   * Whether to repair JSON that is not valid: missing quotes, trailing commas, comments, a missing end.
   * The result still has to fit the schema.
   *
   * @default true
   */
  readonly repair?: boolean | undefined;
}

const argumentsSchema = z.strictObject({
  answer: answerSchema,
  schema: z.custom<z.ZodType>(
    (value) => typeof (value as { safeParse?: unknown } | null)?.safeParse === "function",
    "a zod schema",
  ),
  repair: z.boolean().default(true),
});

function tryParse(parse: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parse() };
  } catch {
    return undefined;
  }
}

/**
 * Finds the JSON in a model's answer and checks it against a zod schema. The JSON may be plain, in a
 * fenced block, in the middle of prose, or broken and then repaired.
 *
 * @throws AnswerParseError if nothing in the answer fits the schema; it holds the raw text
 * @throws InvalidOptionsError if the answer, the schema or an option is not valid
 * @example
 * ```ts
 * const { city } = parseJsonAnswer(await model.invoke("…"), z.object({ city: z.string() }));
 * ```
 */
export function parseJsonAnswer<Schema extends z.ZodType>(
  answer: Answer,
  schema: Schema,
  options: ParseJsonOptions = {},
): z.output<Schema> {
  const { repair } = checkOptions("parseJsonAnswer", argumentsSchema, {
    ...options,
    answer,
    schema,
  });
  const text = readAnswerText(answer);
  const parts = findJson(text);
  let complaint: string | undefined;
  const readers = [
    (part: string) => JSON.parse(part) as unknown,
    (part: string) => JSON.parse(jsonrepair(part)) as unknown,
  ];
  for (const read of repair ? readers : readers.slice(0, 1)) {
    for (const part of parts) {
      const parsed = tryParse(() => read(part));
      if (!parsed) continue;
      const checked = schema.safeParse(parsed.value);
      if (checked.success) return checked.data;
      complaint ??= z.prettifyError(checked.error);
    }
  }
  throw new AnswerParseError(
    complaint === undefined
      ? `The answer contains no JSON (${text.length} characters); see rawText`
      : `The JSON in the answer does not fit the schema:\n${complaint}`,
    text,
  );
}
