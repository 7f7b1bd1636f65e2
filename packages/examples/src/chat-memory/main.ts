/** A chat in the terminal that remembers its user across conversations. See `--help`. */
import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { createInterface } from "node:readline/promises";
import { buildChatGraph, type ChatGraph } from "./chat-graph.ts";
import { chatScript } from "./chat-script.ts";
import { openModel } from "./open-model.ts";
import { HELP, readOptions, type ChatOptions } from "./options.ts";
import { openStorage } from "./storage.ts";

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(HELP);
  else await chat(options);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function chat({ userId, threadId, message }: ChatOptions): Promise<void> {
  await using storage = await openStorage(process.env);
  const graph = buildChatGraph(openModel(process.env, chatScript), storage);
  const thread = { configurable: { thread_id: threadId, user_id: userId } };

  const state = await graph.getState(thread);
  const { next } = state;
  if (next.length > 0) {
    // A process died here. `null` means: go on where the thread stands.
    console.error(`· this conversation was cut off; going on with: ${next.join(", ")}`);
    await run(graph, null, thread);
  }
  if (message !== undefined) {
    await run(graph, { messages: [new HumanMessage(message)] }, thread);
    return;
  }
  // Started again only to go on: there is nobody to talk to.
  if (next.length > 0 && !process.stdin.isTTY) return;

  const { messages = [] } = state.values as { messages?: unknown[] };
  const known = `${messages.length} messages so far`;
  console.error(`· user ${userId}, conversation ${threadId}, ${known}; Ctrl-D ends it`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  let isOpen = true;
  terminal.once("close", () => (isOpen = false));
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() !== "") await run(graph, { messages: [new HumanMessage(line)] }, thread);
    // Lines that came before the input ended are still read out after it.
    if (isOpen) terminal.prompt();
  }
}

/** Runs the graph and prints the answer as it comes, then what was noted. */
async function run(
  graph: ChatGraph,
  input: { messages: HumanMessage[] } | null,
  thread: { configurable: Record<string, string> },
): Promise<void> {
  const stream = await graph.stream(input, {
    ...thread,
    streamMode: ["messages", "updates"],
    // A step is stored before the next one begins: a process that dies loses no more than one.
    durability: "sync",
  });
  for await (const [mode, part] of stream) {
    if (mode === "messages") {
      const [chunk, { langgraph_node }] = part as [unknown, { langgraph_node?: string }];
      if (langgraph_node === "answer" && AIMessageChunk.isInstance(chunk)) {
        process.stdout.write(chunk.text);
      }
      continue;
    }
    const update = part as { answer?: unknown; note?: { noted: string[] } };
    if (update.answer !== undefined) process.stdout.write("\n");
    for (const fact of update.note?.noted ?? []) console.error(`· noted: ${fact}`);
  }
}
