import { z } from "zod";
import { AnswerParseError } from "./answer-parse-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { answerSchema, readAnswerText, type Answer } from "./answer-text.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** As `RegExp.escape`, which comes with Node.js 24. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function decode(content: string): string {
  const cdata = /^\s*<!\[CDATA\[([\s\S]*?)\]\]>\s*$/.exec(content);
  if (cdata) return cdata[1] ?? "";
  return content
    .trim()
    .replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/**
 * Contents of every `<name>` in the text. A tag that is never closed reaches to the next tag of
 * `names`, or to the end.
 */
function findTagged(text: string, name: string, names: readonly string[]): string[] {
  const anyName = names.map((one) => escapePattern(one)).join("|");
  const pattern = new RegExp(
    `<${escapePattern(name)}(?:\\s[^>]*)?>([\\s\\S]*?)(?:</\\s*${escapePattern(name)}\\s*>|(?=</?(?:${anyName})(?:\\s[^>]*)?>)|$)`,
    "gi",
  );
  return [...text.matchAll(pattern)].map(([, content]) => decode(content ?? ""));
}

/** A text as the value that the field wants: the text itself, or the JSON in it. */
function coerce(field: z.ZodType, text: string): unknown {
  if (field.safeParse(text).success) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const argumentsSchema = z.strictObject({
  answer: answerSchema,
  schema: z.custom<z.ZodObject>(
    (value) => typeof (value as { shape?: unknown } | null)?.shape === "object",
    "a zod object",
  ),
});

/**
 * Reads XML-like tags in a model's answer, one for each field of a zod object: `<title>…` for `title`.
 * It allows prose around the tags, attributes, any case and missing end tags. Numbers, booleans and JSON
 * are read where the schema wants them. A repeated tag fills an array.
 *
 * @throws AnswerParseError if the tags do not fit the schema; it holds the raw text
 * @throws InvalidOptionsError if the answer or the schema is not valid
 * @example
 * ```ts
 * const { title, score } = parseTaggedAnswer(
 *   "Sure! <title>Dune</title> <score>9</score>",
 *   z.object({ title: z.string(), score: z.number() }),
 * );
 * ```
 */
export function parseTaggedAnswer<Schema extends z.ZodObject>(
  answer: Answer,
  schema: Schema,
): z.output<Schema> {
  checkOptions("parseTaggedAnswer", argumentsSchema, { answer, schema });
  const text = readAnswerText(answer);
  const fields = schema.shape as Readonly<Record<string, z.ZodType>>;
  const names = Object.keys(fields);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const contents = findTagged(text, name, names);
    const [first] = contents;
    if (first === undefined) continue;
    const wantsArray = field.safeParse([]).success || contents.length > 1;
    const asArray = contents.map((content) => coerce(field, content));
    const single = coerce(field, first);
    values[name] =
      wantsArray && !Array.isArray(single) && field.safeParse(asArray).success ? asArray : single;
  }
  const checked = schema.safeParse(values);
  if (checked.success) return checked.data;
  throw new AnswerParseError(
    `The tags in the answer do not fit the schema (expected ${names.map((name) => `<${name}>`).join(", ")}):\n${z.prettifyError(checked.error)}`,
    text,
  );
}
