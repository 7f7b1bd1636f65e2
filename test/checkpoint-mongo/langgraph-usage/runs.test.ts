import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { InMemoryCache, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  entrypoint,
  getPreviousState,
  interrupt,
  MessagesAnnotation,
  RunControl,
  START,
  StateGraph,
  task,
} from "@langchain/langgraph";
import { describe, expect, it, vi } from "vitest";
import { useBothSavers } from "./both-savers.ts";
import { outcomeOf, readGraph } from "./read-graph.ts";
import { readVersioned } from "./read-everything.ts";

const { expectSame } = useBothSavers();

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  attempt: Annotation<number>,
});

const DURABILITIES = ["sync", "async", "exit"] as const;

describe.each(DURABILITIES)("with durability %s", (durability) => {
  it("a run that failed is tried again with new input, or continues from where it was", async () => {
    await expectSame(async ({ saver, elsewhere, threadId }) => {
      const found: unknown[] = [];
      for (const next of [{ log: ["again"], attempt: 2 }, null]) {
        const config = { configurable: { thread_id: `${threadId} ${next === null}` }, durability };
        let failing = true;
        const build = (checkpointer: BaseCheckpointSaver) =>
          new StateGraph(State)
            .addNode("beside", () => ({ log: ["beside"] }))
            .addNode("fails", async () => {
              // After its neighbour, whose writes are then there.
              await new Promise((resolve) => {
                setTimeout(resolve, 30);
              });
              if (failing) throw new TypeError("failed");
              return { log: ["recovered"] };
            })
            .addNode("end", () => ({ log: ["end"] }))
            .addEdge(START, "beside")
            .addEdge(START, "fails")
            .addEdge("fails", "end")
            .compile({ checkpointer });
        found.push(await outcomeOf(build(saver).invoke({ log: ["in"], attempt: 1 }, config)));
        found.push(await readGraph(build(elsewhere), config));
        failing = false;
        found.push(await outcomeOf(build(elsewhere).invoke(next, config)));
        found.push(await readGraph(build(saver), config));
      }
      return found;
    });
  });

  it("a node's error handler finds the error after a resume", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const handled: unknown[] = [];
      // LangGraph's types know no nodes that it adds by itself.
      const handler = "__error_handler__fails" as "fails";
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode(
            "fails",
            () => {
              throw new Error("before the handler");
            },
            {
              errorHandler: (_state, { node, error }) => {
                handled.push([node, error instanceof Error, error.message]);
                return { log: ["handled"] };
              },
            },
          )
          .addEdge(START, "fails")
          .compile({
            checkpointer,
            interruptBefore: [handler],
          });
      const steps: unknown[] = [await outcomeOf(build(saver).invoke({ log: ["in"] }, config))];
      steps.push(await readGraph(build(elsewhere), config));
      steps.push(await outcomeOf(build(elsewhere).invoke(null, config)));
      return { steps, handled, ...(await readGraph(build(saver), config)) };
    });
    expect(found.handled).toEqual([["fails", true, "before the handler"]]);
  });

  it("a run that was asked to drain continues later, also in a subgraph", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const control = new RunControl();
      const build = (checkpointer: BaseCheckpointSaver) => {
        const inner = new StateGraph(State)
          .addNode("first", () => {
            control.requestDrain("deploy");
            return { log: ["first"] };
          })
          .addNode("second", () => ({ log: ["second"] }))
          .addEdge(START, "first")
          .addEdge("first", "second")
          .compile({ checkpointer: true });
        return new StateGraph(State)
          .addNode("inner", inner)
          .addNode("outer", () => ({ log: ["outer"] }))
          .addEdge(START, "inner")
          .addEdge("inner", "outer")
          .compile({ checkpointer });
      };
      const drained = await outcomeOf(build(saver).invoke({ log: ["in"] }, { ...config, control }));
      const between = await readGraph(build(elsewhere), config);
      const resumed = await outcomeOf(build(elsewhere).invoke(null, config));
      return { drained, between, resumed, ...(await readGraph(build(saver), config)) };
    });
    expect(found.drained).toEqual({ error: "Graph drained: deploy" });
  });

  it("a run that was aborted is where it was, and continues", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      let waits = true;
      const controller = new AbortController();
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("first", () => ({ log: ["first"] }))
          .addNode("waits", async () => {
            if (!waits) return { log: ["waited"] };
            // What came before is stored by the time the run is cut off.
            await vi.waitUntil(
              async () =>
                durability === "exit" || (await saver.getTuple(config))?.metadata?.step === 1,
            );
            controller.abort();
            return new Promise<never>(() => {});
          })
          .addEdge(START, "first")
          .addEdge("first", "waits")
          .compile({ checkpointer });
      const { signal } = controller;
      const aborted = await outcomeOf(build(saver).invoke({ log: ["in"] }, { ...config, signal }));
      // The abort ends `invoke` at once; that LangGraph stores what the run had is not waited for.
      await vi.waitUntil(async () => (await elsewhere.getTuple(config)) !== undefined);
      const between = await readGraph(build(elsewhere), config);
      waits = false;
      const input = durability === "exit" ? { log: ["again"] } : null;
      const resumed = await outcomeOf(build(elsewhere).invoke(input, config));
      return { aborted, between, resumed, ...(await readGraph(build(saver), config)) };
    });
    expect(found.aborted).toHaveProperty("error");
    expect(found.state.next).toEqual([]);
  });

  it("a node that the cache answers stores what it would have written", async () => {
    await expectSame(async ({ saver, elsewhere, threadId }) => {
      const cache = new InMemoryCache();
      let runs = 0;
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("a", () => ({ log: ["a"] }))
          .addNode(
            "cached",
            () => {
              runs += 1;
              return { log: [`run ${runs}`] };
            },
            { cachePolicy: true },
          )
          .addEdge(START, "a")
          .addEdge("a", "cached")
          .compile({ checkpointer, cache });
      const found: unknown[] = [];
      for (const name of ["one", "two"]) {
        const config = { configurable: { thread_id: `${threadId} ${name}` }, durability };
        found.push(await build(saver).invoke({ log: ["in"] }, config));
        found.push(await readGraph(build(elsewhere), config));
      }
      return [found, runs];
    });
  });

  it("what is streamed of checkpoints and tasks is the same", async () => {
    await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("a", () => ({ log: ["a"] }))
          .addNode("ask", () => ({ log: [interrupt<string, string>("?")] }))
          .addEdge(START, "a")
          .addEdge("a", "ask")
          .compile({ checkpointer });
      const streamMode = ["debug" as const, "updates" as const, "values" as const];
      const options = { ...config, streamMode, subgraphs: true };
      const input = await build(saver).stream({ log: ["in"] }, options);
      const first = await Array.fromAsync(input);
      const answer = await build(elsewhere).stream(new Command({ resume: "yes" }), options);
      return { first, second: await Array.fromAsync(answer) };
    });
  });
});

describe("the functional API", () => {
  it("finds what it returned, or saved, the time before", async () => {
    const found = await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      const build = (checkpointer: BaseCheckpointSaver) =>
        entrypoint({ name: "sum", checkpointer }, async (input: number) => {
          const previous = getPreviousState<number>() ?? 0;
          return entrypoint.final({ value: input + previous, save: input });
        });
      const results: unknown[] = [];
      for (const input of [1, 2, 0, 3]) results.push(await build(saver).invoke(input, config));
      await build(elsewhere).updateState(config, 100);
      results.push(await build(elsewhere).invoke(5, config));
      return { results, ...(await readVersioned(elsewhere, threadId)) };
    });
    expect(found.results).toEqual([1, 3, 2, 3, 105]);
  });

  it("does no task twice that was done before a question", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const calls: string[] = [];
      const build = (checkpointer: BaseCheckpointSaver) => {
        const work = task("work", async (name: string) => {
          calls.push(name);
          return name === "falsy" ? false : `${name} done`;
        });
        const asks = task("asks", async (name: string) => interrupt<string, string>(`${name}?`));
        const inner = new StateGraph(State)
          .addNode("node", async ({ log }: typeof State.State) => ({
            log: [`${log.length} ${String(await work("in a graph"))}`],
          }))
          .addEdge(START, "node")
          .compile({ checkpointer });
        return entrypoint({ name: "program", checkpointer }, async (input: string) => {
          const done = await Promise.all([work(input), work("falsy"), work("third")]);
          const first = await asks("first");
          const second = interrupt<string, string>("second?");
          const { log } = await inner.invoke({ log: [] });
          return { done, first, second, log };
        });
      };
      const steps: unknown[] = [await build(saver).invoke("input", config)];
      for (const resume of ["1", "2"]) {
        steps.push(await build(elsewhere).invoke(new Command({ resume }), config));
      }
      return { steps, calls: calls.toSorted(), ...(await readVersioned(elsewhere, threadId)) };
    });
    expect(found.calls).toEqual(["falsy", "in a graph", "input", "third"]);
  });

  it("in a node of a subgraph does no task twice, but where an older checkpoint is named", async () => {
    const found = await expectSame(async ({ saver, config }) => {
      let runs = 0;
      const inner = new StateGraph(State)
        .addNode("node", async () => {
          const value = await task("counted", async () => {
            runs += 1;
            return "value";
          })();
          return { log: [value, interrupt<string, string>("pause")] };
        })
        .addEdge(START, "node")
        .compile();
      const graph = new StateGraph(State)
        .addNode("inner", inner)
        .addEdge(START, "inner")
        .compile({ checkpointer: saver });
      await graph.invoke({ log: [] }, config);
      await graph.invoke(new Command({ resume: "answer" }), config);
      const once = runs;
      const { history } = await readGraph(graph, config);
      await graph.invoke({ log: [] }, history.at(-1)!.config);
      return { once, runs, ...(await readGraph(graph, config)) };
    });
    expect(found).toMatchObject({ once: 1, runs: 2 });
  });
});

describe("a compiled graph", () => {
  it("of a newer version migrates the state that an older one left", async () => {
    await expectSame(async ({ saver, elsewhere, config }) => {
      const build = (checkpointer: BaseCheckpointSaver, options: object) =>
        new StateGraph(State)
          .addNode("first", () => ({ log: ["first"] }))
          .addNode("second", ({ log }: typeof State.State) => ({ log: [`saw ${log.length}`] }))
          .addEdge(START, "first")
          .addEdge("first", "second")
          .compile({ checkpointer, interruptBefore: ["second"], ...options });
      await build(saver, { graphVersion: 1 }).invoke({ log: ["in"] }, config);
      const newer = {
        graphVersion: 2,
        stateMigrations: [
          {
            from: 1,
            to: 2,
            migrate: (state: { checkpoint: { channel_values: Record<string, unknown> } }) => {
              (state.checkpoint.channel_values["log"] as string[]).push("migrated");
              return state;
            },
          },
        ],
      };
      const seen = await build(elsewhere, newer).getState(config);
      const refused = await outcomeOf(build(elsewhere, { graphVersion: 3 }).invoke(null, config));
      const done = await build(elsewhere, newer).invoke(null, config);
      return { seen, refused, done, metadata: (await saver.getTuple(config))?.metadata };
    });
  });

  it("is one for many threads at once, whose states stay apart", async () => {
    await expectSame(async ({ saver, elsewhere, threadId }) => {
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(MessagesAnnotation)
          .addNode("agent", ({ messages }) => ({
            messages: [
              new AIMessage({
                content: "",
                tool_calls: [{ name: "t", args: { to: messages[0]?.text }, id: "call" }],
              }),
            ],
          }))
          .addNode("tools", ({ messages }) => {
            const [call] = (messages.at(-1) as AIMessage).tool_calls ?? [];
            const content = JSON.stringify(call?.args);
            return { messages: [new ToolMessage({ content, tool_call_id: call?.id ?? "" })] };
          })
          .addEdge(START, "agent")
          .addEdge("agent", "tools")
          .compile({ checkpointer });
      const graph = build(saver);
      const names = Array.from({ length: 8 }, (_, index) => `${threadId} ${index}`);
      await Promise.all(
        names.map((name) =>
          graph.invoke(
            { messages: [new HumanMessage(name)] },
            { configurable: { thread_id: name } },
          ),
        ),
      );
      const found: unknown[] = [];
      for (const name of names) {
        const config = { configurable: { thread_id: name } };
        found.push((await build(elsewhere).getState(config)).values);
      }
      return found;
    });
  });
});
