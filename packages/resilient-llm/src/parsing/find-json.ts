/** The end of the object or array that begins at `start`. Undefined if it is never closed. */
function findEnd(text: string, start: number): number | undefined {
  const open: string[] = [];
  let inString = false;
  for (let index = start; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (character === "{" || character === "[") open.push(character === "{" ? "}" : "]");
    else if (character === "}" || character === "]") {
      if (open.pop() !== character) return undefined;
      if (open.length === 0) return index + 1;
    }
  }
  return undefined;
}

/**
 * The parts of a text that may be JSON, the likeliest first: the whole text, fenced blocks, objects and
 * arrays in the middle of prose, and last an object or array that is never closed.
 */
export function findJson(text: string): string[] {
  const found = new Set<string>();
  const add = (part: string) => {
    const trimmed = part.trim();
    if (trimmed !== "") found.add(trimmed);
  };
  if (/^\s*[[{"\d\-tfn]/.test(text)) add(text);
  for (const [, block] of text.matchAll(/```[\w-]*\s*\n?([\s\S]*?)```/g)) add(block ?? "");
  let unclosed: number | undefined;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] !== "{" && text[index] !== "[") continue;
    const end = findEnd(text, index);
    if (end === undefined) {
      unclosed ??= index;
      continue;
    }
    add(text.slice(index, end));
    index = end - 1;
  }
  if (unclosed !== undefined) add(text.slice(unclosed).replace(/```[\s\S]*$/, ""));
  return [...found];
}
