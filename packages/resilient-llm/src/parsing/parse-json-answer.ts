import { jsonrepair } from "jsonrepair";
import { z } from "zod";
import { AnswerParseError } from "./answer-parse-error.ts";
import { readAnswerText, type Answer } from "./answer-text.ts";
import { findJson } from "./find-json.ts";

/** How {@link parseJsonAnswer} reads. */
export interface ParseJsonOptions {
  /**
   * Mend JSON that isn't quite: missing quotes, trailing commas, comments, a missing end. The schema
   * decides whether the result will do. Default `true`.
   */
  readonly repair?: boolean | undefined;
}

function tryParse(parse: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parse() };
  } catch {
    return undefined;
  }
}

/**
 * The JSON in a model's answer, checked against a zod schema: plain, in a fenced block, in the middle
 * of prose, or broken and mended.
 *
 * @throws {AnswerParseError} With the raw text, if nothing in it fits the schema.
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
  const text = readAnswerText(answer);
  const parts = findJson(text);
  let complaint: string | undefined;
  const readers = [
    (part: string) => JSON.parse(part) as unknown,
    (part: string) => JSON.parse(jsonrepair(part)) as unknown,
  ];
  for (const read of options.repair === false ? readers.slice(0, 1) : readers) {
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
      : `The JSON in the answer doesn't fit the schema:\n${complaint}`,
    text,
  );
}
