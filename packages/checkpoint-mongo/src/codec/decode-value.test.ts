import { PromptTemplate } from "@langchain/core/prompts";
import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { decodeValues } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";

describe("many texts", () => {
  const plain = [1, new HumanMessage("hello"), new Date(0), { deep: [undefined] }];
  const encode = (values: readonly unknown[]) => values.map((value) => encodeValue(value, "test"));

  it("are decoded at once, in their order", () => {
    expect(decodeValues(encode(plain))).toEqual(plain);
    expect(decodeValues([])).toEqual([]);
  });

  it("wait for LangChain's own loader if one of them needs it, and keep their order", async () => {
    const values = [...plain, PromptTemplate.fromTemplate("{question}"), "last"];
    const decoded = decodeValues(encode(values));
    expect(decoded).toBeInstanceOf(Promise);
    const loaded = await decoded;
    expect(loaded).toHaveLength(values.length);
    expect(loaded.slice(0, plain.length)).toEqual(plain);
    expect(loaded.at(-2)).toBeInstanceOf(PromptTemplate);
    expect(loaded.at(-1)).toBe("last");
  });

  it("are refused as a whole if one of them holds what is not in the closed list", async () => {
    const foreign = '{"$":"function","v":"alert(1)"}';
    expect(() => decodeValues(["1", foreign])).toThrow("not in the list");
    const [template] = encode([PromptTemplate.fromTemplate("{question}")]);
    await expect(decodeValues([template!, foreign])).rejects.toThrow("not in the list");
  });
});
