import * as messages from "@langchain/core/messages";
import { PromptTemplate } from "@langchain/core/prompts";
import { ChatPromptValue } from "@langchain/core/prompt_values";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ClassNotAllowedError } from "../../errors/class-not-allowed-error.ts";
import { assertRecordsAllowed } from "./allowed-objects.ts";
import { decodeValue } from "./decode-value.ts";

const TEMPLATE = "langchain_core/prompts/prompt/PromptTemplate";

/** What whoever can write to the database may store in place of a value. */
async function decode(stored: unknown, allowed?: ReadonlySet<string>): Promise<unknown> {
  return decodeValue(JSON.stringify(stored), allowed);
}

function tag(id: unknown, kwargs: unknown = {}): object {
  return { $: "langchain", v: [id, kwargs] };
}

describe("a stored LangChain object", () => {
  it.each([
    [["langchain_core", "prompts", "prompt", "PromptTemplate"]],
    [["langchain_core", "runnables", "RunnableLambda"]],
    [["langchain_core", "tracers", "tracer_langchain", "LangChainTracer"]],
    [["langchain_core", "messages", "trimMessages"]],
    [["langchain_core", "messages", "constructor"]],
    [["langchain_core", "messages", "__proto__"]],
    [["langchain_core", "runnables", "AIMessage"]],
    [["langchain", "messages", "AIMessage"]],
    [["langchain_core", "messages", ["AIMessage"]]],
    [["AIMessage"]],
    ["langchain_core/messages/AIMessage"],
    [[]],
    [null],
    [{ join: "AIMessage" }],
    ["x".repeat(100_000)],
  ])("is not made if its class is not allowed: %j", async (id) => {
    for (const stored of [
      tag(id),
      { deep: [tag(id)] },
      { $: "map", v: [["key", tag(id)]] },
      { $: "message", v: ["HumanMessage", { content: "", additional_kwargs: { a: tag(id) } }] },
      { $: "langchain", v: JSON.stringify({ lc: 1, type: "constructor", id, kwargs: {} }) },
    ]) {
      const error = await decode(stored).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(ClassNotAllowedError.isInstance(error)).toBe(true);
      expect((error as Error).message.length).toBeLessThan(600);
    }
  });

  it("is not made within one that is", async () => {
    const kwargs = {
      template: "x",
      input_variables: [],
      metadata: { deep: tag(["langchain_core", "runnables", "RunnableLambda"], {}) },
    };
    const stored = tag(TEMPLATE.split("/"), kwargs);
    await expect(decode(stored, new Set([TEMPLATE]))).rejects.toThrow(ClassNotAllowedError);
  });

  it("is made if its class is allowed, or of the closed list", async () => {
    const template = tag(TEMPLATE.split("/"), { template: "x", input_variables: [] });
    expect(await decode(template, new Set([TEMPLATE]))).toBeInstanceOf(PromptTemplate);
    const message = tag(["langchain_core", "messages", "AIMessage"], { content: "x" });
    expect(await decode(message)).toBeInstanceOf(messages.AIMessage);
    const prompt = tag(["langchain_core", "prompt_values", "ChatPromptValue"], { messages: [] });
    expect(await decode(prompt)).toBeInstanceOf(ChatPromptValue);
  });

  describe("whose arguments are secrets", () => {
    afterEach(() => void vi.unstubAllEnvs());

    it("does not get them from the process's variables", async () => {
      for (const name of ["template", "OPENAI_API_KEY", "threadkeep 0"]) {
        vi.stubEnv(name, "from the environment");
      }
      const allowed = new Set([TEMPLATE]);
      const secret = { lc: 1, type: "secret", id: ["OPENAI_API_KEY"] };
      for (const value of [{ $: "undefined" }, null, secret]) {
        const kwargs = { template: value, input_variables: [], OPENAI_API_KEY: value };
        const made = await decode(tag(TEMPLATE.split("/"), kwargs), allowed).catch(String);
        expect(JSON.stringify(made)).not.toContain("from the environment");
      }
    });
  });
});

describe("what LangChain's serializer wrote", () => {
  const make = (id: unknown) => ({ a: [{ lc: 1, type: "constructor", id, kwargs: {} }] });

  it("is refused if it names a class that is not allowed, at whatever depth", () => {
    const id = TEMPLATE.split("/");
    expect(() => assertRecordsAllowed(make(id), undefined)).toThrow(ClassNotAllowedError);
    expect(() => assertRecordsAllowed(make(id), new Set([TEMPLATE]))).not.toThrow();
    let deep: unknown = make(id);
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => assertRecordsAllowed(deep, undefined)).toThrow(ClassNotAllowedError);
  });

  it("is taken if it holds messages, or classes of JavaScript only", () => {
    const message = make(["langchain_core", "messages", "HumanMessage"]);
    const map = { lc: 2, type: "constructor", id: ["Map"], args: [[]] };
    const values = [message, map, { lc: 1, type: "other", id: 1 }, null, "text", [undefined]];
    expect(() => assertRecordsAllowed(values, undefined)).not.toThrow();
  });
});
