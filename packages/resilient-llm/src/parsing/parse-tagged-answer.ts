import { z } from "zod";
import { AnswerParseError } from "./answer-parse-error.ts";
import { readAnswerText, type Answer } from "./answer-text.ts";

const entities: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** `RegExp.escape` comes with Node 24. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function decode(content: string): string {
  const cdata = /^\s*<!\[CDATA\[([\s\S]*?)\]\]>\s*$/.exec(content);
  if (cdata) return cdata[1] ?? "";
  return content
    .trim()
    .replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => entities[entity] ?? entity);
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

/** A text as the kind of value the field wants: itself, or what it says in JSON. */
function coerce(field: z.ZodType, text: string): unknown {
  if (field.safeParse(text).success) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The contents of XML-like tags in a model's answer, one tag per field of a zod object: `<title>…`
 * for `title`. Prose around and between, attributes, other cases and missing end tags are put up
 * with; numbers, booleans and JSON are read where the schema wants them; a repeated tag fills an array.
 *
 * @throws {AnswerParseError} With the raw text, if the tags don't fit the schema.
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
    `The tags in the answer don't fit the schema (expected ${names.map((name) => `<${name}>`).join(", ")}):\n${z.prettifyError(checked.error)}`,
    text,
  );
}
