import { PromptTemplate } from "@langchain/core/prompts";
import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { UnsupportedFormatError } from "../../errors/unsupported-format-error.ts";
import { decodeLines } from "./decode-lines.ts";
import { encodeValue } from "../values/encode-value.ts";

const ALLOWED = new Set([PromptTemplate.fromTemplate("").lc_id.join("/")]);

describe("many texts", () => {
  const plain = [1, new HumanMessage("hello"), new Date(0), { deep: [undefined] }];
  const encode = (values: readonly unknown[]) => values.map((value) => encodeValue(value, "test"));

  it("are decoded in their order", async () => {
    expect(await decodeLines(encode(plain))).toEqual(plain);
    expect(await decodeLines([])).toEqual([]);
  });

  it("wait for LangChain's own loader if one of them needs it, and keep their order", async () => {
    const values = [...plain, PromptTemplate.fromTemplate("{question}"), "last"];
    const loaded = await decodeLines(encode(values), undefined, ALLOWED);
    expect(loaded).toHaveLength(values.length);
    expect(loaded.slice(0, plain.length)).toEqual(plain);
    expect(loaded.at(-2)).toBeInstanceOf(PromptTemplate);
    expect(loaded.at(-1)).toBe("last");
  });

  it("are refused as a whole if one of them holds what is not in the closed list", async () => {
    const foreign = '{"$":"function","v":"alert(1)"}';
    await expect(decodeLines(["1", foreign])).rejects.toThrow(UnsupportedFormatError);
    const [template] = encode([PromptTemplate.fromTemplate("{question}")]);
    await expect(decodeLines([template!, foreign], undefined, ALLOWED)).rejects.toThrow(
      UnsupportedFormatError,
    );
  });
});
