import * as fc from "fast-check";
import { expect, it } from "vitest";
import { ContinuationJoiner, type JoinRule } from "./continuation-joiner.ts";
import { findLastWords } from "./last-words.ts";

/** What a consumer has in the end, or `undefined` if the attempt could not be joined. */
function join(before: string, pieces: readonly string[], rule: JoinRule = "last-words") {
  const joiner = new ContinuationJoiner(before, rule);
  let whole = before;
  for (const piece of pieces) whole += joiner.push(piece);
  whole += joiner.finish();
  return joiner.isJoined ? whole : undefined;
}

/** Few words, so that texts repeat themselves. */
const texts = fc
  .array(fc.constantFrom("a ", "ha ", "the cat ", "sat.\n", "你好", "🍵 "), {
    minLength: 2,
    maxLength: 60,
  })
  .map((words) => words.join(""));

const cutTexts = fc
  .tuple(texts, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([text, share]) => ({ text, cut: 1 + Math.floor(share * (text.length - 1)) }))
  .filter(({ text, cut }) => text.slice(0, cut).trim() !== "");

function inPieces(text: string, length: number): string[] {
  return text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
}

it("a model that repeats the last words is joined without loss, wherever the text was cut", () => {
  fc.assert(
    fc.property(cutTexts, fc.integer({ min: 1, max: 9 }), ({ text, cut }, length) => {
      const before = text.slice(0, cut);
      const reply = text.slice(findLastWords(before));
      expect(join(before, inPieces(reply, length))).toBe(text);
    }),
  );
});

it.each(["last-words", "from-start"] as const)(
  "a model that begins from the start is joined without loss (%s)",
  (rule) => {
    fc.assert(
      fc.property(cutTexts, fc.integer({ min: 1, max: 9 }), ({ text, cut }, length) => {
        expect(join(text.slice(0, cut), inPieces(text, length), rule)).toBe(text);
      }),
    );
  },
);

it("how a reply comes in pieces does not change what is made of it", () => {
  fc.assert(
    fc.property(texts, texts, fc.integer({ min: 1, max: 9 }), (before, reply, length) => {
      fc.pre(before.trim() !== "");
      expect(join(before, inPieces(reply, length))).toBe(join(before, [reply]));
    }),
  );
});

it.each([
  ["other words", "The sky is blue because", "Blue is what the sky looks like"],
  ["only the rest", "The sky is blue because", " of Rayleigh scattering"],
  ["a comment first", "The sky is blue because", "Sure: The sky is blue because of"],
  ["a beginning that the text has twice", "## Step 1\nWash.\n\n## Step ", "## Step 1\nRinse."],
  ["an end inside the text", "The sky is blue because", "The sky"],
])("%s is not joined", (_, before, reply) => {
  expect(join(before, [reply])).toBeUndefined();
});

it("the last words are such as the text has nowhere else", () => {
  const line = "| --- | --- | --- | --- | --- | --- |\n";
  const text = `# Table\n${line.repeat(20)}`;
  const lastWords = text.slice(findLastWords(text)).trimEnd();
  expect(text.indexOf(lastWords)).toBe(text.lastIndexOf(lastWords));
  expect(join(text, [`${lastWords}\nThe end.`])).toBe(`${text}The end.`);
});

it.each([
  ["goes on", "The sky is ", "blue.", "The sky is blue."],
  ["begins with the space it was not sent", "The sky is ", " blue.", "The sky is blue."],
  ["adds nothing", "The sky is blue.", "", "The sky is blue."],
  ["repeats what it was sent", "The sky is ", "The sky is blue.", "The sky is blue."],
  ["goes on with what is there already", "ha ha ", "ha ha!", "ha ha ha ha!"],
])("after a prefill, a model that %s is joined", (_, before, reply, whole) => {
  expect(join(before, [reply], "prefilled")).toBe(whole);
});
