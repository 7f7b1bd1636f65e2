import type { RunnableConfig } from "@langchain/core/runnables";
import { Command, START } from "@langchain/langgraph";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { ReplayDiffersError } from "../errors/replay-differs-error.ts";
import { runReplaying } from "../journal/replaying.ts";
import { compareValues, type ValueDifference } from "./compare-values.ts";
import { RecordedCalls } from "./recorded-calls.ts";
import {
  type GraphState,
  type ReplayOptions,
  type ResolvedReplayOptions,
  resolveReplayOptions,
} from "./replay-options.ts";
import { formatReplay, type ReplayedStep, type ReplayReport } from "./replay-report.ts";
import { ScratchSaver } from "./scratch-saver.ts";
import { StepReplay } from "./step-replay.ts";
import { keepAnswers, type StoredStep, StoredThread } from "./stored-thread.ts";

export type { ValueDifference } from "./compare-values.ts";
export type {
  GraphState,
  ReplayableGraph,
  ReplayChanges,
  ReplayOptions,
} from "./replay-options.ts";
export { formatReplay } from "./replay-report.ts";
export type { ReplayedCall, ReplayedStep, ReplayReport } from "./replay-report.ts";

/** LangGraph's key for a saver that a call brings along. */
const LENT_SAVER = "__pregel_checkpointer";

/** A state, as far as it is compared. */
interface Compared {
  readonly values: Readonly<Record<string, unknown>>;
  readonly next: readonly string[];
  readonly interrupts: readonly unknown[];
}

/**
 * Runs a stored thread again, each step from the state that was stored before it, and says what differs. Answers of
 * models and tools come from the journal, so it costs nothing. A call that was not recorded is not made, and its step is
 * `different`. Nothing is written. What nodes do by themselves, beside models and tools, they do again.
 *
 * With `with.model` or `with.prompt` those calls are asked for real. Each step still begins with the stored state, so
 * a changed answer shows in its own step only.
 *
 * @example
 * ```ts
 * import { assertSameReplay, replay } from "@threadkeep/resilient-llm/replay";
 *
 * assertSameReplay(await replay("order-4711", { journal, graph }));
 * ```
 * @throws InvalidOptionsError if an option cannot be used, or the thread is not stored
 */
export async function replay(threadId: string, options: ReplayOptions): Promise<ReplayReport> {
  const resolved = resolveReplayOptions(threadId, options);
  const thread = await StoredThread.read(resolved.checkpointer, threadId);
  if (thread.steps.length === 0) {
    throw new InvalidOptionsError(
      `replay: the thread ${JSON.stringify(threadId)} is not stored in this checkpointer.`,
    );
  }
  const recorded = await RecordedCalls.read(resolved.journal, threadId);
  const steps: ReplayedStep[] = [];
  for (const step of thread.steps) {
    resolved.signal?.throwIfAborted();
    const replayed = await replayStep(resolved, thread, recorded, step);
    if (replayed) steps.push(replayed);
  }
  // A test that compared nothing must not pass.
  if (steps.length === 0) {
    throw new InvalidOptionsError(
      `replay: no step of a graph is stored of the thread ${JSON.stringify(threadId)}, so there is nothing to replay.`,
    );
  }
  const isSame = steps.every(({ outcome }) => outcome !== "different");
  return { threadId, isSame, steps };
}

/**
 * Throws if a replay differs from what was stored: the end of a test.
 *
 * @throws ReplayDiffersError with the report as its message
 */
export function assertSameReplay(report: ReplayReport): void {
  if (!report.isSame) throw new ReplayDiffersError(formatReplay(report));
}

async function replayStep(
  options: ResolvedReplayOptions,
  thread: StoredThread,
  recorded: RecordedCalls,
  { checkpointId, ledTo, step }: StoredStep,
): Promise<ReplayedStep | undefined> {
  const { graph } = options;
  const begun = await readStored(options, checkpointId);
  const nodes = begun.tasks.map(({ name }) => name);
  const interrupts = begun.tasks.flatMap((task) => task.interrupts);
  // The end of a turn, or LangGraph's own step that takes the input in and that nothing of the user's runs in.
  if (nodes.every((node) => node === START)) return undefined;
  const head = { checkpointId, step, nodes };
  if (ledTo === undefined && interrupts.length === 0) {
    return { ...head, outcome: "unfinished", differences: [], calls: [], error: undefined };
  }
  const base = await options.checkpointer.getTuple(addressOf(options, checkpointId));
  if (!base) return undefined;
  const nested = thread.listNestedAnswers(begun.tasks.map(({ id }) => id));
  const answers = keepAnswers(base.pendingWrites ?? [], nested.length > 0);
  const saver = new ScratchSaver(options.checkpointer, base, answers);
  const run = new StepReplay(recorded, options);
  const { config, signal, threadId } = options;
  const configurable = {
    ...(config["configurable"] as object | undefined),
    thread_id: threadId,
    [LENT_SAVER]: saver,
  };
  const at: RunnableConfig = { configurable };
  const invoke = (input: unknown) =>
    runReplaying(run, () =>
      graph.invoke(
        input as never,
        {
          ...config,
          configurable,
          callbacks: run.createGuard(),
          durability: "sync",
          interruptAfter: "*",
          interruptBefore: [],
          ...(signal ? { signal } : {}),
        } as never,
      ),
    );
  let error: string | undefined;
  let after: GraphState | undefined;
  try {
    await invoke(null);
    after = await graph.getState(at);
    for (const answer of nested) {
      if (!after.tasks.some((task) => task.interrupts.length > 0)) break;
      await invoke(new Command({ resume: answer }));
      after = await graph.getState(at);
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const expected = ledTo === undefined ? begun : await readStored(options, ledTo);
  const differences = after ? compareStates(expected, after, options.ignoreChannels) : [];
  const { calls } = run;
  const isMissing = calls.some(({ outcome }) => outcome === "missing");
  const isSame = !isMissing && error === undefined && differences.length === 0;
  return { ...head, outcome: isSame ? "same" : "different", differences, calls, error };
}

/** The config of a stored checkpoint. */
function addressOf({ threadId }: ResolvedReplayOptions, checkpointId: string): RunnableConfig {
  const place = { thread_id: threadId, checkpoint_ns: "", checkpoint_id: checkpointId };
  return { configurable: place };
}

async function readStored(
  options: ResolvedReplayOptions,
  checkpointId: string,
): Promise<GraphState> {
  const { configurable } = addressOf(options, checkpointId);
  const { checkpointer, graph } = options;
  return await graph.getState({ configurable: { ...configurable, [LENT_SAVER]: checkpointer } });
}

function readCompared({ next, tasks, values }: GraphState): Compared {
  const interrupts = tasks.flatMap((task) => task.interrupts.map(({ value }) => value));
  const isRecord = typeof values === "object" && values !== null && !Array.isArray(values);
  return {
    values: isRecord ? (values as Record<string, unknown>) : { value: values },
    next: [...next].toSorted(),
    interrupts,
  };
}

function compareStates(
  before: GraphState,
  after: GraphState,
  ignored: ReadonlySet<string>,
): ValueDifference[] {
  const stored = readCompared(before);
  const replayed = readCompared(after);
  const keep = (values: Compared["values"]) =>
    Object.fromEntries(Object.entries(values).filter(([channel]) => !ignored.has(channel)));
  return [
    ...compareValues(keep(stored.values), keep(replayed.values), ""),
    ...compareValues(stored.next, replayed.next, "next"),
    ...compareInterrupts(stored, replayed),
  ];
}

/** The stored next step may wait for an answer. The replayed one has not begun yet. */
function compareInterrupts(stored: Compared, replayed: Compared): ValueDifference[] {
  if (replayed.interrupts.length === 0) return [];
  return compareValues(stored.interrupts, replayed.interrupts, "interrupts");
}
