import { AIMessage, type ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import {
  type CallJournal,
  journaledTool,
  journalToolCalls,
  settleToolCall,
  type SideEffects,
  ToolOutcomeUnknownError,
} from "@threadkeep/resilient-llm";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import { makeMortal } from "./journal-wrappers.ts";
import { inMemory, useJournalDatabase } from "./journals.ts";

const question = { messages: [{ role: "user", content: "Pay 500 cents, please" }] };

let threads = 0;

/** An agent that pays once and then says so. */
async function startPayer(sideEffects: SideEffects) {
  const server = await startServer();
  server.playScript(({ body }) =>
    body.messages.some(({ role }) => role === "tool")
      ? replies.completion("Paid.")
      : replies.completion(null, { toolCalls: [{ name: "pay", args: '{"cents": 500}' }] }),
  );
  threads += 1;
  const config = { configurable: { thread_id: `payer-${threads}` } };
  const saver = new MemorySaver();
  const payments: string[] = [];
  const run = (
    journal: CallJournal,
    input: object | null,
    act: (payment: string) => Promise<string>,
  ) => {
    const { model } = createModel([server]);
    const pay = tool(
      async (_, { configurable }) => {
        const { idempotency_key: key } = configurable as { readonly idempotency_key: string };
        payments.push(key);
        return act(key);
      },
      { name: "pay", description: "Pays", schema: z.object({ cents: z.number() }) },
    );
    const journaled = createMiddleware({
      name: "JournaledTools",
      wrapToolCall: journalToolCalls({ journal, sideEffects: { pay: sideEffects }, leaseMs: 200 }),
    });
    const agent = createAgent({
      model,
      tools: [pay],
      middleware: [journaled],
      checkpointer: saver,
    });
    return agent.invoke(input as typeof question, config);
  };
  return { payments, run };
}

const never = Promise.withResolvers<string>().promise;

/** Runs until the tool has begun, and then as if the process had died. */
async function dieInTool(
  run: Awaited<ReturnType<typeof startPayer>>["run"],
  journal: CallJournal,
): Promise<void> {
  const mortal = makeMortal(journal);
  const begun = Promise.withResolvers<void>();
  run(mortal, question, () => {
    mortal.die();
    begun.resolve();
    return never;
  }).catch(() => undefined);
  await begun.promise;
}

describe.each([inMemory(), useJournalDatabase()])("$name", ({ open }) => {
  it("a result that was stored is not computed again, and keeps its artifact and its id", async () => {
    let runs = 0;
    const found = tool(
      () => {
        runs += 1;
        return [`found ${runs}`, { runs }];
      },
      { name: "find", schema: z.object({ q: z.string() }), responseFormat: "content_and_artifact" },
    );
    const journaled = journaledTool(found, { journal: open(), sideEffects: "none" });
    expect(journaled.name).toBe("find");
    expect(journaled.schema).toBe(found.schema);
    threads += 1;
    // A task that runs again has another scratchpad.
    const config = () => ({
      configurable: {
        thread_id: `tools-${threads}`,
        checkpoint_ns: "node:1",
        __pregel_task_id: "task",
        __pregel_scratchpad: {},
      },
    });
    const call = { name: "find", args: { q: "x" }, id: "call_1", type: "tool_call" as const };
    const first: ToolMessage = await journaled.invoke(call, config());
    const second: ToolMessage = await journaled.invoke(call, config());
    const show = ({ artifact, content, name, tool_call_id: id }: ToolMessage): object => ({
      artifact: artifact as unknown,
      content,
      name,
      id,
    });
    expect(show(second)).toEqual(show(first));
    expect(second.artifact).toEqual({ runs: 1 });
    expect(runs).toBe(1);
    // Other arguments, and the same call twice in one run of the task, are other calls.
    await journaled.invoke({ ...call, args: { q: "y" } }, config());
    const same = config();
    await journaled.invoke(call, same);
    await journaled.invoke(call, same);
    expect(runs).toBe(3);
  });

  it.each(["none", "idempotent"] as const)(
    "%s: a tool that was cut off runs again, with the same idempotency key",
    async (sideEffects) => {
      const { payments, run } = await startPayer(sideEffects);
      await dieInTool(run, open());
      const { messages } = await run(open(), null, async () => "done");
      expect(messages.at(-1)?.text).toBe("Paid.");
      expect(payments).toHaveLength(2);
      expect(payments[0]).toMatch(/^[0-9a-f]{64}$/);
      expect(payments[1]).toBe(payments[0]);
    },
  );

  it("once: a tool that was begun and did not end stops the run, until a human has settled it", async () => {
    for (const outcome of [{ result: "paid already" }, { runAgain: true }] as const) {
      const { payments, run } = await startPayer("once");
      await dieInTool(run, open());
      const act = async () => "paid now";
      const errors = [
        await rejection(run(open(), null, act)),
        await rejection(run(open(), null, act)),
      ];
      for (const error of errors) {
        if (!ToolOutcomeUnknownError.isInstance(error)) throw error;
        expect(error.toolName).toBe("pay");
        expect(error.key.id).toBe(payments[0]);
        await settleToolCall(open(), error.key, outcome);
        break;
      }
      expect(ToolOutcomeUnknownError.isInstance(errors[1])).toBe(true);
      const { messages } = await run(open(), null, act);
      expect(messages.at(-1)?.text).toBe("Paid.");
      const expected = "result" in outcome ? "paid already" : "paid now";
      expect(messages.find(({ type }) => type === "tool")?.text).toBe(expected);
      expect(payments).toHaveLength("result" in outcome ? 1 : 2);
    }
  });

  it("once: an error is how it ended, and an interrupt is not", async () => {
    const failed = await startPayer("once");
    const fail = () => Promise.reject(new Error("card declined"));
    const first = await rejection(failed.run(open(), question, fail));
    const second = await rejection(failed.run(open(), null, async () => "paid"));
    expect([first, second].map(String)).toEqual([
      expect.stringContaining("card declined"),
      expect.stringContaining("card declined"),
    ]);
    expect(failed.payments).toHaveLength(1);

    const asked = await startPayer("once");
    const ask = async () => `approved: ${String(interrupt("Pay?"))}`;
    await asked.run(open(), question, ask);
    const { messages } = await asked.run(open(), new Command({ resume: "yes" }), ask);
    expect(messages.find(({ type }) => type === "tool")?.text).toBe("approved: yes");
  });

  it("once: without its journal, or where nothing tells a repetition, the tool is not begun", async () => {
    const { payments, run } = await startPayer("once");
    const works = open();
    const down: CallJournal = {
      open: () => Promise.reject(new Error("no connection")),
      write: works.write.bind(works),
      deleteThread: works.deleteThread.bind(works),
    };
    const error = await rejection(run(down, question, async () => "paid"));
    expect(error).toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
    expect(payments).toEqual([]);
    const { messages } = await run(works, null, async () => "paid");
    expect(messages.at(-1)).toBeInstanceOf(AIMessage);
    const bare = journaledTool(
      tool(async () => "x", { name: "bare", schema: z.object({}) }),
      { journal: works, sideEffects: "once" },
    );
    await expect(bare.invoke({})).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("of two processes with one call of a tool, one runs it and both have the result", async () => {
    const config = () => ({
      configurable: {
        thread_id: "both",
        __pregel_task_id: `task-${threads}`,
        __pregel_scratchpad: {},
      },
    });
    threads += 1;
    let runs = 0;
    const slow = tool(
      async () => {
        runs += 1;
        await new Promise((resolve) => {
          setTimeout(resolve, 1_500);
        });
        return `run ${runs}`;
      },
      { name: "slow", schema: z.object({}) },
    );
    // The lease is shorter than the tool takes, and is renewed.
    const options = { sideEffects: "once", leaseMs: 800 } as const;
    const results = await Promise.all(
      [open(), open()].map((journal) =>
        journaledTool(slow, { journal, ...options }).invoke({}, config()),
      ),
    );
    expect(results).toEqual(["run 1", "run 1"]);
  });
});

it("wrong options are refused all at once", () => {
  const found = tool(async () => "x", { name: "found", schema: z.object({}) });
  expect(() => journaledTool(found, { journal: {}, sideEffects: "twice" } as never)).toThrow(
    /journal: expected[^]*sideEffects: expected/,
  );
});
