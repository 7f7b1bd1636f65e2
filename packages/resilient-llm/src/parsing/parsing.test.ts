import { AIMessage } from "@langchain/core/messages";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AnswerParseError } from "./answer-parse-error.ts";
import { parseJsonAnswer } from "./parse-json-answer.ts";
import { parseTaggedAnswer } from "./parse-tagged-answer.ts";

const city = z.object({ city: z.string(), people: z.number() });
function thrownBy(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return error;
  }
}

const paris = { city: "Paris", people: 2_100_000 };

describe("parseJsonAnswer", () => {
  it.each([
    ["plain", '{"city": "Paris", "people": 2100000}'],
    ["fenced", 'Here you are:\n```json\n{"city": "Paris", "people": 2100000}\n```\nAnything else?'],
    ["in prose", 'The answer {as asked} is {"city": "Paris", "people": 2100000}, I think [sic].'],
    ["with trailing comma and comment", '{"city": "Paris", // capital\n "people": 2100000,}'],
    ["with single quotes and bare keys", "Sure: {city: 'Paris', people: 2100000} ok"],
    ["cut off", 'As JSON: {"city": "Paris", "people": 2100000'],
    ["after reasoning", '<think>{"city": "Rome"}</think>{"city": "Paris", "people": 2100000}'],
    ["behind a smaller object", '{"a": 1} and {"city": "Paris", "people": 2100000}'],
  ])("reads JSON that is %s", (_, text) => {
    expect(parseJsonAnswer(text, city)).toEqual(paris);
    expect(parseJsonAnswer(new AIMessage(text), city)).toEqual(paris);
  });

  it("finds any JSON value between any words", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = `Well, here it is:\n${JSON.stringify(value)}\nDone.`;
        // A schema may drop keys of its own accord, as z.record does with "__proto__".
        expect(parseJsonAnswer(text, z.unknown())).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("throws with the raw text and what the schema misses", () => {
    const text = 'No idea. {"city": "Paris"}';
    expect(() => parseJsonAnswer(text, city)).toThrow(/people/);
    expect(thrownBy(() => parseJsonAnswer("no json at all", city))).toMatchObject({
      code: "ANSWER_NOT_PARSED",
      rawText: "no json at all",
    });
  });

  it("repairs nothing with repair: false", () => {
    expect(() => parseJsonAnswer("{city: 'Paris', people: 1}", city, { repair: false })).toThrow(
      AnswerParseError,
    );
  });
});

describe("parseTaggedAnswer", () => {
  const review = z.object({
    title: z.string(),
    score: z.number(),
    tags: z.array(z.string()).default([]),
  });

  it.each([
    ["plain", "<title>Dune</title><score>9</score><tags>a</tags><tags>b</tags>"],
    [
      "prose around",
      "Sure!\n<title> Dune </title> and <score>9</score>\n<tags>a</tags> <tags>b</tags> ok",
    ],
    [
      "other case and attributes",
      '<Title lang="en">Dune</TITLE><score>9</score><tags>a</tags><tags>b</tags>',
    ],
    ["an array as JSON", '<title>Dune</title><score>9</score><tags>["a", "b"]</tags>'],
    ["missing end tags", "<title>Dune <score>9 <tags>a</tags><tags>b"],
    ["CDATA", "<title><![CDATA[Dune]]></title><score>9</score><tags>a</tags><tags>b</tags>"],
  ])("reads tags with %s", (_, text) => {
    expect(parseTaggedAnswer(text, review)).toEqual({ title: "Dune", score: 9, tags: ["a", "b"] });
  });

  it("keeps text that looks like a number where the schema wants text, and decodes entities", () => {
    expect(
      parseTaggedAnswer(
        "<a>007</a><b>1 &lt; 2 &amp;&amp; true</b>",
        z.object({ a: z.string(), b: z.string() }),
      ),
    ).toEqual({
      a: "007",
      b: "1 < 2 && true",
    });
  });

  it("throws with the raw text when a tag is missing", () => {
    const error = thrownBy(() => parseTaggedAnswer("<title>Dune</title>", review));
    expect(error).toMatchObject({ rawText: "<title>Dune</title>" });
    expect(String(error)).toContain("<score>");
  });
});
