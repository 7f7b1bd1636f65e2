/** An answer that broke off is taken up at least so far before its end, in characters. */
const LAST_WORDS_CHARS = 40;

/** Where the word around `index` begins, if that is near. Texts without spaces are cut anywhere. */
function findWordStart(text: string, index: number): number {
  const near = text.slice(Math.max(0, index - LAST_WORDS_CHARS), index);
  const inWord = /\s(\S*)$/.exec(near)?.[1];
  if (inWord !== undefined) return index - inWord.length;
  const isInCharacter = /[\uDC00-\uDFFF]/.test(text.charAt(index));
  return isInCharacter ? index - 1 : index;
}

/** Where a text begins, after white space. */
export function findStart(text: string): number {
  return text.length - text.trimStart().length;
}

/**
 * Where the last words of a text begin. They are so many that the text has them nowhere else, so an
 * answer that repeats them shows where it continues.
 */
export function findLastWords(text: string): number {
  const first = findStart(text);
  const end = text.trimEnd().length;
  for (let length = LAST_WORDS_CHARS; end - length > first; length *= 2) {
    const start = findWordStart(text, end - length);
    if (start > first && text.indexOf(text.slice(start, end)) === start) return start;
  }
  return first;
}
