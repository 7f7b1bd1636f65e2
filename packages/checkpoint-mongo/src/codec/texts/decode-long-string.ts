import { breather } from "../../event-loop/breather.ts";

/**
 * Decodes a long string from the chunks of its JSON text. V8 joins the parts when the string is first
 * read; until then it takes only the memory of its parts.
 *
 * @throws SyntaxError if the chunks are not a JSON string
 */
export async function decodeLongString(chunks: readonly string[]): Promise<string> {
  let value = "";
  /** The beginning of an escape sequence that continues in the next chunk. */
  let open = "";
  for (const [index, chunk] of chunks.entries()) {
    const isLast = index === chunks.length - 1;
    const text = open + (index === 0 ? chunk.slice(1) : chunk);
    const end = isLast ? text.length - 1 : findOpenEscape(text);
    if (isLast && text[end] !== '"') throw new SyntaxError("The text of a long string has no end.");
    value += unescapeText(text.slice(0, end));
    open = text.slice(end);
    if (breather.isDue(chunk.length)) await breather.rest();
  }
  return value;
}

function unescapeText(text: string): string {
  return text.includes("\\") || text.includes('"') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Where an escape sequence begins that the end of the text cuts off; otherwise the end. */
function findOpenEscape(text: string): number {
  const last = text.lastIndexOf("\\");
  if (last === -1) return text.length;
  let first = last;
  while (text[first - 1] === "\\") first -= 1;
  // In a row of backslashes, every second one is escaped itself.
  const isEscaped = (last - first) % 2 === 1;
  const length = text[last + 1] === "u" ? 6 : 2;
  return isEscaped || last + length <= text.length ? text.length : last;
}
