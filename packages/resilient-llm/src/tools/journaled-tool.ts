import type { RunnableConfig } from "@langchain/core/runnables";
import { ensureConfig } from "@langchain/core/runnables";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { objectWith } from "../options/value-schemas.ts";
import { runToolCall } from "./tool-call.ts";
import {
  journal,
  leaseMs,
  type ResolvedToolJournal,
  sideEffects,
  type ToolJournalOptions,
} from "./tool-journal-options.ts";

/** What is used of a LangChain tool. */
export interface InvokableTool {
  /** The name that models call it by. */
  readonly name: string;
  /** Runs it. */
  invoke(input: never, config?: never): Promise<unknown>;
}

const invokable = objectWith<InvokableTool>("invoke");

const schema = z.strictObject({ tool: invokable, journal, sideEffects, leaseMs });

/**
 * A tool whose results are kept, so that a task that runs again after a crash does not run it twice. The tool
 * gets an idempotency key that is the same in each repetition, as `config.configurable.idempotency_key`.
 *
 * In `createAgent`, use {@link journalToolCalls}: its errors stop the run, while those of a tool go to the model.
 *
 * @example
 * ```ts
 * const pay = journaledTool(
 *   tool(async ({ cents }, config) => charge(cents, config.configurable.idempotency_key), {
 *     name: "pay",
 *     schema: z.object({ cents: z.number() }),
 *   }),
 *   { journal, sideEffects: "idempotent" },
 * );
 * ```
 * @throws InvalidOptionsError if the tool or an option cannot be used
 */
export function journaledTool<Tool extends InvokableTool>(
  tool: Tool,
  options: ToolJournalOptions,
): Tool {
  const { tool: _, ...resolved } = checkOptions("journaledTool", schema, { ...options, tool });
  return journalTool(tool, resolved);
}

/** The same tool for whoever asks, except that it is run through the journal. */
function journalTool<Tool extends InvokableTool>(tool: Tool, options: ResolvedToolJournal): Tool {
  // The tool itself stays as it is, and runs with itself as `this`.
  return Object.create(tool, {
    invoke: {
      value: (input: unknown, given?: RunnableConfig): Promise<unknown> => {
        const config = given?.configurable ? given : { ...ensureConfig(given), ...given };
        const run = (keyed: RunnableConfig) => tool.invoke(input as never, keyed as never);
        return runToolCall(tool.name, input, config, options, run);
      },
    },
  }) as Tool;
}

/** The tools of an agent whose calls are journaled. */
export interface JournalToolCallsOptions {
  /** Where results are kept. */
  readonly journal: ToolJournalOptions["journal"];

  /** What each tool does to the world, by its name. A tool that is not named is not journaled. */
  readonly sideEffects: Readonly<Record<string, ToolJournalOptions["sideEffects"]>>;

  /**
   * Milliseconds for which a call is its process's own.
   *
   * @default 5_000
   */
  readonly leaseMs?: number | undefined;
}

const callsSchema = z.strictObject({
  journal,
  sideEffects: z.record(z.string(), sideEffects),
  leaseMs,
});

/**
 * The hook `wrapToolCall` of a middleware for `createAgent` that journals the calls of tools.
 *
 * @example
 * ```ts
 * const journaled = createMiddleware({
 *   name: "JournaledTools",
 *   wrapToolCall: journalToolCalls({ journal, sideEffects: { search: "none", pay: "once" } }),
 * });
 * ```
 * @throws InvalidOptionsError if an option cannot be used
 */
export function journalToolCalls(
  options: JournalToolCallsOptions,
): <Request extends { readonly tool?: unknown }, Result>(
  request: Request,
  handler: (request: Request) => Result | Promise<Result>,
) => Promise<Result> {
  const resolved = checkOptions("journalToolCalls", callsSchema, options);
  return async (request, handler) => {
    const { tool } = request;
    if (!invokable.safeParse(tool).success) return await handler(request);
    const known = tool as InvokableTool;
    const effects = Object.hasOwn(resolved.sideEffects, known.name)
      ? resolved.sideEffects[known.name]
      : undefined;
    if (effects === undefined) return await handler(request);
    const journaled = journalTool(known, { ...resolved, sideEffects: effects });
    return await handler({ ...request, tool: journaled });
  };
}
