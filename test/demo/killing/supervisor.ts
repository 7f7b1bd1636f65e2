import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { RecordingProxy } from "../recording/recording-proxy.ts";
import type { WorkerEvent } from "../worker/worker-events.ts";
import type { KillPoint } from "./kill-point.ts";
import { KillTrap, type SprungTrap } from "./kill-trap.ts";
import type { Kill, RunRecord, WorkerLife } from "./run-record.ts";
import { WorkerFailedError } from "./worker-failed-error.ts";
import { WorkerProcess } from "./worker-process.ts";

/** Somebody who looks on. */
export interface RunObserver {
  onEvent?(pid: number, event: WorkerEvent): void;
  onKill?(kill: Kill): void;
}

/** What {@link runWithKills} needs. */
export interface RunPlan {
  threadId: string;
  /** In the order in which the agent comes by them. Each is used once. */
  killPoints: readonly KillPoint[];
  /** Stands between the workers and the model; its gate is taken over for the run. */
  proxy: RecordingProxy;
  /** Reads the thread's checkpoints, on a connection of its own. */
  saver: BaseCheckpointSaver;
  /** Variables for the workers. */
  environment: Record<string, string>;
  observer?: RunObserver;
  /** Ends the run: the worker is killed and the promise rejects with the signal's reason. */
  signal: AbortSignal;
}

/**
 * Starts a worker for a thread, kills it at each kill point and starts the next one with nothing
 * but the thread id, until one gets to the end.
 *
 * @throws WorkerFailedError when a worker ends by itself before its work is done.
 */
export async function runWithKills(plan: RunPlan): Promise<RunRecord> {
  const kills: Kill[] = [];
  const lives: WorkerLife[] = [];
  const pending = [...plan.killPoints];

  for (;;) {
    const point = pending.shift();
    const kill = await liveOnce(plan, point, kills.length + 1, lives);
    if (!kill) break;
    kills.push(kill);
    plan.observer?.onKill?.(kill);
  }
  return { threadId: plan.threadId, plannedKills: plan.killPoints.length, kills, lives };
}

/** One process from its start to its kill, or to the end of the work, which gives `undefined`. */
async function liveOnce(
  plan: RunPlan,
  point: KillPoint | undefined,
  number: number,
  lives: WorkerLife[],
): Promise<Kill | undefined> {
  plan.signal.throwIfAborted();
  const over = new AbortController();
  const signal = AbortSignal.any([plan.signal, over.signal]);
  const trap = point && new KillTrap(point, plan.proxy.log, plan.saver, plan.threadId);
  plan.proxy.gate = trap ? trap.gate : () => undefined;
  const sprung = trap?.sprung(signal);
  // It is awaited in the race below; until then an abort must not count as unhandled.
  sprung?.catch(() => {});

  const worker = await WorkerProcess.start(plan.threadId, plan.environment);
  const life: WorkerLife = { pid: worker.pid, modelReports: [] };
  lives.push(life);
  worker.on("event", (event) => {
    if (event.type === "ready" && event.from) life.from = event.from;
    if (event.type === "model") {
      life.modelReports = [...life.modelReports, event.report];
      life.costs = event.costs;
    }
    plan.observer?.onEvent?.(worker.pid, event);
  });

  try {
    const aborted = rejectOnAbort(plan.signal, over.signal);
    const ending = await Promise.race([
      worker.exited.then((exit) => ({ exit })),
      aborted,
      ...(sprung ? [sprung.then((situation) => ({ situation }))] : []),
    ]);
    if ("situation" in ending && point)
      return await strike(plan, worker, point, number, ending.situation);
    const exit = await worker.exited;
    if (exit.code === 0) return undefined;
    throw new WorkerFailedError(plan.threadId, worker, exit);
  } finally {
    over.abort();
    await worker.kill();
  }
}

async function strike(
  plan: RunPlan,
  worker: WorkerProcess,
  { title }: KillPoint,
  number: number,
  situation: SprungTrap,
): Promise<Kill> {
  const { signal } = await worker.kill();
  await plan.proxy.log.settled(plan.signal);
  return {
    ...situation,
    number,
    title,
    pid: worker.pid,
    signal,
    callsSoFar: plan.proxy.log.calls.length,
  };
}

function rejectOnAbort(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), {
      once: true,
      signal: over,
    });
  });
}
