/** A chat in the terminal with fallback, a budget and a bill. See `--help`. */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { formatCostTable, ResilientChatModel } from "@threadkeep/resilient-llm";
import { findChain } from "./chain.ts";
import { buildChatGraph } from "./chat-graph.ts";
import { describeFailure } from "./describe-failure.ts";
import { describeEvent } from "./notices.ts";
import { HELP, readOptions, type ChatOptions } from "./options.ts";
import { isUnanswered, say } from "./say.ts";
import { openStorage } from "./storage.ts";

/** What a shell expects of a process that Ctrl-C ended: 128 and the signal's number. */
const INTERRUPTED = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: ChatOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  return chat(options);
}

async function chat({ message, threadId = randomUUID(), budgetUsd }: ChatOptions): Promise<number> {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new Error("Interrupted."));
  // Only the first one: a second Ctrl-C ends the process at once.
  process.once("SIGINT", interrupt);

  const chain = findChain(process.env);
  await using storage = await openStorage(process.env);
  const model = new ResilientChatModel({
    ...chain.options,
    budget: { maxCostUsd: budgetUsd },
    onEvent: (event) => {
      const line = describeEvent(event);
      if (line) notice(line);
    },
  });
  const graph = buildChatGraph(model, storage.saver);
  notice(`${chain.title}; thread ${threadId}`);

  const answer = async (text?: string): Promise<boolean> => {
    try {
      for await (const words of say(graph, threadId, text, interruption.signal))
        process.stdout.write(words);
      process.stdout.write("\n");
      return true;
    } catch (error) {
      if (!interruption.signal.aborted) console.error(describeFailure(error, budgetUsd));
      return false;
    }
  };
  let answered = true;
  const wasCutOff = await isUnanswered(graph, threadId);
  if (wasCutOff) {
    notice("this conversation was cut off; here is the answer");
    answered = await answer();
  }
  if (message !== undefined) answered = await answer(message);
  // Started again only to go on: there is nobody to talk to.
  else if (!wasCutOff || process.stdin.isTTY) {
    for await (const line of typedLines(interruption.signal)) await answer(line);
  }

  console.log(`\n${formatCostTable(model.costs.snapshot())}`);
  if (interruption.signal.aborted) return INTERRUPTED;
  return answered ? 0 : 1;
}

/** What is typed, line by line, until Ctrl-D or Ctrl-C. */
async function* typedLines(signal: AbortSignal): AsyncGenerator<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  let open = true;
  terminal.once("close", () => (open = false));
  // On a terminal readline takes Ctrl-C for itself; here it means what it means everywhere else.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const close = (): void => terminal.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    terminal.prompt();
    for await (const line of terminal) {
      if (line.trim() !== "") yield line;
      // Lines that came before the input ended are still read out after it.
      if (open) terminal.prompt();
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** Notices go to standard error: standard output is the conversation's. */
function notice(line: string): void {
  console.error(styleText("dim", `· ${line}`, { stream: process.stderr }));
}
