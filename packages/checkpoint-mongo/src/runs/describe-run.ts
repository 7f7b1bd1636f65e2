import { openError } from "./seal-value.ts";
import { readValue, type ValuePlace } from "./run-values.ts";
import type { RunDocument } from "./run-document.ts";
import type { Run, RunInterrupt } from "./run.ts";
import type { SaverContext } from "../context/context.ts";

/** What a run waits for, as it is stored. */
export interface WaitingFor {
  /** Where the thread stood. */
  readonly checkpointId: string | undefined;
  readonly interrupts: readonly StoredInterrupt[];
}

/** An interrupt as it is stored. */
export interface StoredInterrupt {
  readonly id: string;
  /** The interrupt's value as LangGraph has it. */
  readonly raw: unknown;
  readonly value: unknown;
  /** In milliseconds since 1970. */
  readonly wakeAtMs: number | undefined;
}

/** @throws CorruptRunError if it is not what was stored */
export async function readWaiting(
  context: SaverContext,
  { _id: runId, thread_id: threadId, turn, waiting, answer }: RunDocument,
): Promise<WaitingFor | undefined> {
  if (waiting === undefined) return undefined;
  // An answer begins the next turn.
  const before = turn - (answer === undefined ? 0 : 1);
  const place = { runId, threadId, part: "waiting", turn: before };
  return (await readValue(context, place, waiting)) as WaitingFor;
}

/** Where the answer of a run belongs. */
export function placeOfAnswer(
  { _id: runId, thread_id: threadId }: RunDocument,
  turn: number,
  answered: string | undefined,
): ValuePlace {
  return { runId, threadId, part: `answer to ${answered ?? "breakpoint"}`, turn };
}

/** A run as users see it. */
export async function describeRun(context: SaverContext, document: RunDocument): Promise<Run> {
  const isWaiting = document.status === "waiting";
  const waiting = isWaiting ? await readWaiting(context, document) : undefined;
  const error = openError(context.store.encryption, document);
  return {
    runId: document._id,
    threadId: document.thread_id,
    graph: document.graph,
    version: document.version,
    status: document.status,
    isBehindAnother: document.status === "queued" && document.slot !== "",
    attempts: document.attempts,
    token: document.token,
    worker: document.worker,
    wakeAt: document.wake_at,
    isCancelling: document.status === "running" && document.cancel === true,
    interrupts: (waiting?.interrupts ?? []).map(describeInterrupt),
    error: error && { name: error.name, message: error.message, code: error.code },
    checkpointId: document.checkpoint_id,
    createdAt: document.created_at,
    updatedAt: document.updated_at,
    endedAt: document.ended_at,
  };
}

function describeInterrupt({ id, value, wakeAtMs }: StoredInterrupt): RunInterrupt {
  return { id, value, wakeAt: wakeAtMs === undefined ? undefined : new Date(wakeAtMs) };
}
