import type { CostSnapshot } from "@threadkeep/resilient-llm";
import type { ModelReport } from "../worker/model-reports.ts";
import type { CheckpointPlace } from "../worker/worker-events.ts";
import type { SprungTrap } from "./kill-trap.ts";

/** One kill, as it happened. */
export interface Kill extends SprungTrap {
  /** From 1. */
  number: number;
  /** What it hit, for people. */
  title: string;
  pid: number;
  /** What the operating system says ended the process. */
  signal: NodeJS.Signals | null;
  /** How many model calls had been asked until then; later ones have higher ids. */
  callsSoFar: number;
}

/** One life of the agent, as it went. */
export interface WorkerLife {
  pid: number;
  /** The checkpoint it found; absent when it found none and began. */
  from?: CheckpointPlace & { storedTasks: readonly string[] };
  /** What it told about its attempts to get answers. */
  modelReports: readonly ModelReport[];
  /** What it had spent when it last told; absent when it never did. */
  costs?: CostSnapshot;
}

/** What happened to a thread from its first process to its last. */
export interface RunRecord {
  threadId: string;
  /** Kill points that the run was meant to be killed at. */
  plannedKills: number;
  kills: readonly Kill[];
  /** One more than the kills, in order. */
  lives: readonly WorkerLife[];
}
