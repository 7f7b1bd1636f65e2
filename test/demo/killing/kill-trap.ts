import { on } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { EVIDENCE } from "@threadkeep/examples/demo/company/evidence";
import type { CallLog } from "../recording/call-log.ts";
import type { ModelCall } from "../recording/model-call.ts";
import type { CallGate } from "../recording/recording-proxy.ts";
import type { CheckpointPlace } from "../worker/worker-events.ts";
import type { KillPoint } from "./kill-point.ts";
import { storedTasks } from "./stored-tasks.ts";

/** How things stand when a {@link KillTrap} springs. */
export interface SprungTrap {
  /** The calls in flight. */
  inFlight: readonly ModelCall[];
  /** Newest checkpoint of the thread, read from the database. */
  checkpoint?: CheckpointPlace;
  /** Finished tasks of the unfinished superstep, read from the database. */
  storedTasks: readonly string[];
}

/**
 * How long a correct saver may take to store what a finished task wrote. Then the kill comes anyway,
 * and the proofs say what was lost.
 */
const STORE_LIMIT_MS = 3000;
const POLL_MS = 10;

/**
 * Brings a run to a {@link KillPoint} and stops it there, so that no luck is involved: the calls to be
 * cut are held, all other calls of the superstep have been answered, and their results are in the
 * database. Only a kill point after an answer lets the worker run on.
 */
export class KillTrap {
  readonly #point: KillPoint;
  readonly #log: CallLog;
  readonly #saver: BaseCheckpointSaver;
  readonly #threadId: string;
  readonly #heldIds = new Set<number>();

  constructor(point: KillPoint, log: CallLog, saver: BaseCheckpointSaver, threadId: string) {
    this.#point = point;
    this.#log = log;
    this.#saver = saver;
    this.#threadId = threadId;
  }

  /** Holds the calls of the kill point for good: they end when their worker does. */
  readonly gate: CallGate = (call, moment) => {
    if (moment !== (this.#point.when ?? "asked") || !this.#point.hits(call)) return undefined;
    this.#heldIds.add(call.id);
    this.#log.emit("change", call);
    return new Promise(() => {});
  };

  /**
   * Resolves when the run has come to the kill point.
   *
   * @param signal - Ends the wait, with an `AbortError`.
   */
  async sprung(signal: AbortSignal): Promise<SprungTrap> {
    const { when, hits, delayMs = 0 } = this.#point;
    if (when === "answered") {
      await this.#until(
        () => this.#log.calls.some((call) => hits(call) && call.outcome === "completed"),
        signal,
      );
      await sleep(delayMs, undefined, { signal });
      return { inFlight: this.#log.inFlight, storedTasks: [] };
    }
    await this.#until(() => this.#isSettled(), signal);
    const tuple = await this.#storedState(signal);
    return {
      inFlight: this.#log.inFlight,
      storedTasks: tuple ? storedTasks(tuple) : [],
      ...(tuple && {
        checkpoint: { checkpointId: tuple.checkpoint.id, step: tuple.metadata?.step ?? -1 },
      }),
    };
  }

  async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const changes = on(this.#log, "change", { signal });
    while (!condition()) await changes.next();
    await changes.return?.();
  }

  /** Whether all calls in flight are held, and no sibling of theirs is still to come. */
  #isSettled(): boolean {
    const { inFlight } = this.#log;
    if (inFlight.length === 0 || inFlight.some(({ id }) => !this.#heldIds.has(id))) return false;
    return (
      !inFlight.some(isAnalyst) || inFlight.length + this.#answeredAnalysts() === EVIDENCE.length
    );
  }

  /**
   * The newest checkpoint, once it has the result of each parallel task whose model call was
   * answered.
   */
  async #storedState(signal: AbortSignal): Promise<CheckpointTuple | undefined> {
    const answered = this.#log.inFlight.some(isAnalyst) ? this.#answeredAnalysts() : 0;
    const deadline = Date.now() + STORE_LIMIT_MS;
    for (;;) {
      const tuple = await this.#saver.getTuple({ configurable: { thread_id: this.#threadId } });
      if ((tuple && storedTasks(tuple).length >= answered) || Date.now() > deadline) return tuple;
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** How many of the parallel analysts have been answered, whichever process asked. */
  #answeredAnalysts(): number {
    const answered = this.#log.calls.filter(
      (call) => isAnalyst(call) && call.outcome === "completed",
    );
    return new Set(answered.map(({ digest }) => digest)).size;
  }
}

function isAnalyst({ role }: ModelCall): boolean {
  return role.endsWith(" analyst");
}
