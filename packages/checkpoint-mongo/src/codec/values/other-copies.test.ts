import * as messages from "@langchain/core/messages";
import { ChatPromptTemplate, PromptTemplate } from "@langchain/core/prompts";
import * as promptValues from "@langchain/core/prompt_values";
import * as otherMessages from "langchain-core-other/messages";
import { PromptTemplate as OtherPromptTemplate } from "langchain-core-other/prompts";
import * as otherPromptValues from "langchain-core-other/prompt_values";
import { describe, expect, it } from "vitest";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";

const ALLOWED = new Set(
  [
    "prompt/PromptTemplate",
    "chat/ChatPromptTemplate",
    "chat/SystemMessagePromptTemplate",
    "chat/HumanMessagePromptTemplate",
  ].map((name) => `langchain_core/prompts/${name}`),
);

async function roundTrip(value: unknown): Promise<unknown> {
  return decodeValue(encodeValue(value, "channel"), ALLOWED);
}

/** What LangChain's JSON loses. */
const precious = {
  at: new Date(0),
  map: new Map<unknown, unknown>([[1n, new Set([-0])]]),
  bytes: Buffer.from("abc"),
  not: Number.NaN,
  nothing: undefined,
  big: 2n ** 70n,
};
const toolCall = { name: "lookup", args: { precious }, id: "1", type: "tool_call" } as const;
const fields = {
  content: "hi",
  id: "m",
  name: "n",
  additional_kwargs: { precious },
  response_metadata: { precious },
};

const usage = { usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } };

type Copy = Pick<typeof messages, "AIMessage">;

describe("a message of another copy of LangChain", () => {
  it.each<[string, object, unknown]>([
    ["HumanMessage", new otherMessages.HumanMessage(fields), messages.HumanMessage],
    ["SystemMessage", new otherMessages.SystemMessage(fields), messages.SystemMessage],
    [
      "AIMessage",
      new otherMessages.AIMessage({
        ...fields,
        tool_calls: [toolCall],
        invalid_tool_calls: [{ ...toolCall, args: "{", type: "invalid_tool_call" }],
        ...(usage as object),
      }),
      messages.AIMessage,
    ],
    [
      "ToolMessage",
      new otherMessages.ToolMessage({
        ...fields,
        tool_call_id: "1",
        artifact: precious,
        status: "error",
      }),
      messages.ToolMessage,
    ],
    [
      "ChatMessage",
      new otherMessages.ChatMessage({ ...fields, role: "critic" }),
      messages.ChatMessage,
    ],
    ["FunctionMessage", new otherMessages.FunctionMessage(fields), messages.FunctionMessage],
    ["RemoveMessage", new otherMessages.RemoveMessage({ id: "m" }), messages.RemoveMessage],
    ["HumanMessageChunk", new otherMessages.HumanMessageChunk(fields), messages.HumanMessageChunk],
    [
      "SystemMessageChunk",
      new otherMessages.SystemMessageChunk(fields),
      messages.SystemMessageChunk,
    ],
    [
      "FunctionMessageChunk",
      new otherMessages.FunctionMessageChunk(fields),
      messages.FunctionMessageChunk,
    ],
    [
      "AIMessageChunk",
      new otherMessages.AIMessageChunk({
        ...fields,
        tool_call_chunks: [{ name: "lookup", args: '{"city":"Rome"}', id: "1", index: 0 }],
      }),
      messages.AIMessageChunk,
    ],
    [
      "ToolMessageChunk",
      new otherMessages.ToolMessageChunk({ ...fields, tool_call_id: "1" }),
      messages.ToolMessageChunk,
    ],
    [
      "ChatMessageChunk",
      new otherMessages.ChatMessageChunk({ ...fields, role: "critic" }),
      messages.ChatMessageChunk,
    ],
    [
      "StringPromptValue",
      new otherPromptValues.StringPromptValue("text"),
      promptValues.StringPromptValue,
    ],
    [
      "ImagePromptValue",
      new otherPromptValues.ImagePromptValue({ imageUrl: { url: "http://a" } }),
      promptValues.ImagePromptValue,
    ],
  ])(
    "%s comes back as this copy's class, with all that JSON would lose",
    async (_name, original, Class) => {
      for (const wrap of [
        (value: object): unknown => [value],
        (value: object): unknown => new Map([["k", { deep: value }]]),
        (value: object): unknown => ({
          m: new messages.HumanMessage({ content: "", additional_kwargs: { value } }),
        }),
      ]) {
        const decoded = await roundTrip(wrap(original));
        expect(findInside(decoded, original)).toBe(Class);
      }
    },
  );

  /** The class of what stands for the original in it, if that is the same but for its class. */
  function findInside(value: unknown, original: object): unknown {
    if (Array.isArray(value)) return compare(value[0] as object, original);
    if (value instanceof Map) return compare((value.get("k") as { deep: object }).deep, original);
    const { m } = value as { m: messages.HumanMessage };
    return compare(m.additional_kwargs["value"] as object, original);
  }

  function compare(decoded: object, original: object): unknown {
    expect(withoutLangChain(decoded)).toStrictEqual(withoutLangChain(original));
    return decoded.constructor;
  }

  /** What both copies keep of a message. */
  function withoutLangChain(object: object): object {
    return Object.fromEntries(
      Object.entries(object).filter(
        ([key, value]) => !key.startsWith("lc_") && value !== undefined,
      ),
    );
  }

  it("in a prompt value comes back too", async () => {
    const original = new otherPromptValues.ChatPromptValue([
      new otherMessages.HumanMessage(fields),
    ]);
    const decoded = (await roundTrip(original)) as promptValues.ChatPromptValue;
    expect(decoded.constructor).toBe(promptValues.ChatPromptValue);
    expect(decoded.messages[0]!.constructor).toBe(messages.HumanMessage);
    expect(decoded.messages[0]!.additional_kwargs).toStrictEqual(fields.additional_kwargs);
  });

  it("that holds what has no stored form is refused with the path of it", () => {
    const original = new otherMessages.HumanMessage({
      content: "x",
      additional_kwargs: { f: () => 1 },
    });
    expect(() => encodeValue({ m: [original] }, "channel")).toThrow(
      "channel.m[0].additional_kwargs.f",
    );
  });

  it("by a bundler that shortened the names of classes is recognised", async () => {
    const Short = class a extends otherMessages.RemoveMessage {};
    expect(((await roundTrip(new Short({ id: "m" }))) as object).constructor).toBe(
      messages.RemoveMessage,
    );
  });
});

describe.each<[string, Copy]>([
  ["this copy", messages],
  ["another copy", otherMessages as unknown as Copy],
])("a message of %s", (_name, { AIMessage }) => {
  it("keeps what was set on it since it was made, as LangGraph sets ids", async () => {
    const original = new AIMessage("before");
    original.id = "later";
    original.name = "ada";
    Object.assign(original, usage);
    original.response_metadata = { precious };
    original.tool_calls = [toolCall];
    const decoded = (await roundTrip(original)) as messages.AIMessage;
    expect(decoded).toMatchObject({ content: "before", id: "later", name: "ada" });
    expect(decoded).toMatchObject(usage);
    expect(decoded.response_metadata).toStrictEqual({ precious });
    expect(decoded.tool_calls).toStrictEqual([toolCall]);
    expect(encodeValue(decoded, "channel")).toBe(encodeValue(await roundTrip(decoded), "channel"));
  });

  it("keeps properties that its class does not know", async () => {
    const original = Object.assign(new AIMessage({ content: "x" }), {
      rating: 5n,
      at: new Date(0),
    });
    expect(await roundTrip(original)).toMatchObject({ content: "x", rating: 5n, at: new Date(0) });
  });

  it("with a symbol key of the user's is refused", () => {
    const original = Object.assign(new AIMessage("x"), { [Symbol("mark")]: 1 });
    expect(() => encodeValue([original], "channel")).toThrow(
      /channel\[0\].*symbol key Symbol\(mark\)/,
    );
  });

  it("of a class of the user's comes back as the class it extends, with its public fields", async () => {
    class RatedMessage extends AIMessage {
      readonly rating = 5;
    }
    const decoded = (await roundTrip(new RatedMessage("x"))) as RatedMessage;
    expect(decoded.constructor).toBe(messages.AIMessage);
    expect(decoded).toMatchObject({ content: "x", rating: 5 });
  });
});

describe("chunks", () => {
  it("keep tool calls that were set since they were made", async () => {
    const original = new messages.AIMessageChunk({
      content: "",
      tool_call_chunks: [{ name: "f", args: "{}", id: "1", index: 0 }],
    });
    original.tool_calls = [toolCall];
    original.invalid_tool_calls = [{ name: "g", args: "{", error: "bad" }];
    const decoded = (await roundTrip(original)) as messages.AIMessageChunk;
    expect(decoded.tool_calls).toStrictEqual(original.tool_calls);
    expect(decoded.invalid_tool_calls).toStrictEqual(original.invalid_tool_calls);
    expect(decoded.tool_call_chunks).toStrictEqual(original.tool_call_chunks);
  });
});

describe("another LangChain object", () => {
  it.each([
    ["this copy", PromptTemplate],
    ["another copy", OtherPromptTemplate as unknown as typeof PromptTemplate],
  ])(
    "of %s comes back through LangChain's loader, with all that JSON would lose",
    async (_name, Class) => {
      const original = new Class({
        template: "{at} {question}",
        inputVariables: ["question"],
        partialVariables: { at: "noon" },
        ...({ metadata: { precious } } as object),
      });
      const decoded = (await roundTrip({ deep: [original] })) as { deep: [PromptTemplate] };
      expect(decoded.deep[0].constructor).toBe(PromptTemplate);
      expect(decoded.deep[0].metadata).toStrictEqual({ precious });
      expect(await decoded.deep[0].format({ question: "?" })).toBe("noon ?");
    },
  );

  it("inside another one comes back too, with the messages it holds", async () => {
    const original = ChatPromptTemplate.fromMessages([
      ["system", "You are {role}."],
      new otherMessages.HumanMessage({ content: "hi", additional_kwargs: { precious } }),
    ]);
    const decoded = (await roundTrip(original)) as typeof original;
    expect(decoded).toBeInstanceOf(ChatPromptTemplate);
    const [system, human] = await decoded.formatMessages({ role: "a poet" });
    expect(system).toMatchObject({ content: "You are a poet." });
    expect(human!.constructor).toBe(messages.HumanMessage);
    expect(human!.additional_kwargs).toStrictEqual({ precious });
  });

  it("that holds what has no stored form is refused with the path of it", () => {
    const original = new PromptTemplate({
      template: "{at}",
      inputVariables: [],
      partialVariables: { at: async () => "now" },
    });
    expect(() => encodeValue([original], "channel")).toThrow("channel[0].partial_variables.at");
  });

  it("that contains itself is refused", () => {
    const partialVariables: Record<string, string> = {};
    const original = new PromptTemplate({ template: "x", inputVariables: [], partialVariables });
    Object.assign(partialVariables, { original });
    expect(() => encodeValue([original], "channel")).toThrow("contains itself");
  });

  it("is never made of a user's own keys that look like its tag", async () => {
    const data = {
      $: "langchain",
      v: "{}",
      e: Object.assign(new Error("x"), { $: "langchain" }),
      a: Object.assign(["x"], { $: "langchain" }),
      m: new messages.HumanMessage({ content: "", additional_kwargs: { $: "langchain" } }),
      p: PromptTemplate.fromTemplate("{$}"),
    };
    const decoded = (await roundTrip(data)) as typeof data;
    expect(decoded).toMatchObject({ $: "langchain", v: "{}", e: { $: "langchain" } });
    expect(decoded.a).toStrictEqual(data.a);
    expect(decoded.m.additional_kwargs).toEqual({ $: "langchain" });
    expect(decoded.p).toBeInstanceOf(PromptTemplate);
  });
});
