import { Command } from "@langchain/langgraph";
import { isDeepStrictEqual } from "node:util";
import { RunStateError } from "../errors/run-state-error.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import type { StoredInterrupt, WaitingFor } from "./describe-run.ts";
import { readInterrupt, TIME_IS_OVER } from "./durable-sleep.ts";
import type { GraphState } from "./graphs.ts";

/** What is known of a run that was just taken. */
export interface TakenRun {
  readonly runId: string;
  readonly threadId: string;
  readonly input: unknown;
  /** What it waited for last. */
  readonly waiting: WaitingFor | undefined;
  /** What it was answered. */
  readonly answer:
    | { readonly interruptId: string | undefined; readonly value: unknown }
    | undefined;
  /** Whether a checkpoint of the run is stored, as far as the latest one does not tell. */
  readonly hasBegun: () => Promise<boolean>;
  /** The server's time. */
  readonly nowMs: number;
}

/** What the graph is invoked with, or that there is nothing to do. */
export type NextStep =
  | { readonly kind: "invoke"; readonly input: unknown }
  | { readonly kind: "settled" };

/** Where a run has come to. */
export type Standing =
  | { readonly kind: "done" }
  | { readonly kind: "waiting"; readonly for: WaitingFor };

/**
 * Decides how a run goes on, from what is stored of its thread. The process that had it before may have died at any
 * moment:
 *
 * - Before the first checkpoint: none bears the run's mark. The input is applied.
 * - After it: the input lies in the checkpoints. The graph goes on where it stands.
 * - After an answer was given to the graph: the interrupt is no longer there as it was. The answer is not given again.
 * - After the last checkpoint, before the end was recorded: no task is left. Nothing runs.
 *
 * @throws ThreadNotFoundError if the thread was deleted meanwhile
 * @throws RunStateError if another run has gone on with the thread
 */
export async function decideNextStep(run: TakenRun, state: GraphState): Promise<NextStep> {
  const { runId, threadId, input, waiting } = run;
  const { run_id: mark } = (state.metadata ?? {}) as { readonly run_id?: unknown };
  const hasBegun = waiting !== undefined || mark === runId || (await run.hasBegun());
  if (!hasBegun) return { kind: "invoke", input };
  if (readCheckpointId(state) === undefined) {
    throw new ThreadNotFoundError(threadId, "Start a new run.");
  }
  if (mark !== undefined && mark !== runId) {
    const advice = "Another run has gone on with its thread since. Start a new run.";
    throw new RunStateError(runId, "overtaken", "go on with", advice);
  }
  const command = waiting && answerInterrupts(run, waiting, state, mark === undefined);
  if (command !== undefined) return { kind: "invoke", input: command };
  const isAnsweredBreakpoint = run.answer !== undefined && run.answer.interruptId === undefined;
  return isSettled(state) && !isAnsweredBreakpoint
    ? { kind: "settled" }
    : { kind: "invoke", input: null };
}

/** Where a run has come to after its graph has ended. */
export function findStanding(
  state: GraphState,
  before: WaitingFor | undefined,
  nowMs: number,
): Standing {
  if (state.tasks.length === 0) return { kind: "done" };
  const checkpointId = readCheckpointId(state);
  const known = before?.checkpointId === checkpointId ? before?.interrupts : undefined;
  const interrupts = listPending(state).map(({ id, value: raw }): StoredInterrupt => {
    // Nodes that wait are run again when another one is answered. The time counts from the first.
    const asked = known && findSame(known, id, raw);
    if (asked !== undefined) return asked;
    const { question, wakeAtMs } = readInterrupt(raw, nowMs);
    return { id, raw, value: question, wakeAtMs };
  });
  return { kind: "waiting", for: { checkpointId, interrupts } };
}

/** Whether durations count in what a graph waits for. */
export function hasTimedInterrupts(state: GraphState): boolean {
  return listPending(state).some(({ value }) => readInterrupt(value, 0).wakeAtMs !== undefined);
}

export function readCheckpointId({ config }: GraphState): string | undefined {
  return config.configurable?.["checkpoint_id"] as string | undefined;
}

/** @param wasChanged whether the user has changed the state since */
function answerInterrupts(
  { answer, nowMs }: TakenRun,
  waiting: WaitingFor,
  state: GraphState,
  wasChanged: boolean,
): Command | undefined {
  if (waiting.checkpointId !== readCheckpointId(state)) {
    // Interrupts have other ids since the state was changed. Otherwise the graph has used the answer.
    const isForNode = wasChanged && answer?.interruptId !== undefined;
    return isForNode ? new Command({ resume: answer.value }) : undefined;
  }
  const answers: Record<string, unknown> = {};
  for (const { id, value } of listPending(state)) {
    const asked = findSame(waiting.interrupts, id, value);
    // The node has used the answer, and asks something else.
    if (asked === undefined) continue;
    if (answer?.interruptId === id) answers[id] = answer.value;
    else if (asked.wakeAtMs !== undefined && asked.wakeAtMs <= nowMs) answers[id] = TIME_IS_OVER;
  }
  return Object.keys(answers).length === 0 ? undefined : new Command({ resume: answers });
}

/** Whether nothing can run: the graph has ended, or all that is left waits. */
function isSettled({ tasks }: GraphState): boolean {
  return (
    tasks.every(({ interrupts, result }) => interrupts.length > 0 || result !== undefined) &&
    (tasks.length === 0 || tasks.some(isPending))
  );
}

function isPending({ interrupts, result }: GraphState["tasks"][number]): boolean {
  return result === undefined && interrupts.length > 0;
}

function listPending({ tasks }: GraphState): readonly { id: string; value: unknown }[] {
  return tasks
    .filter(isPending)
    .flatMap(({ interrupts }) => interrupts)
    .map(({ id = "", value }) => ({ id, value }));
}

function findSame(
  interrupts: readonly StoredInterrupt[],
  id: string,
  raw: unknown,
): StoredInterrupt | undefined {
  return interrupts.find((other) => other.id === id && isDeepStrictEqual(other.raw, raw));
}
