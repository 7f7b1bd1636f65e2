import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { readCpuMs } from "../harness/cpu-time.ts";
import { MESSAGE_LENGTH } from "./conversation.ts";
import { randomText } from "./random-text.ts";
import { makeCheckpoint } from "./make-checkpoint.ts";

/** Threads under way at once: a step of a thread waits for the one before. */
const THREADS = 64;
/** As many as 20 turns have. */
const STEPS_OF_A_THREAD = 40;
/** The share of the steps that is left out of the percentiles: code is compiled while they run. */
const WARM_UP = 1 / 6;
/** No more steps are offered once so many seconds' worth of them wait. */
const MAX_WAITING_SECONDS = 2;
/** How late a step may be on its way when time is up, before the rate counts as not sustained. */
const MAX_LATE_SECONDS = 0.5;

/** What is offered, and when. */
export interface Offer {
  readonly stepsPerSecond: number;
  readonly seconds: number;
  /** When the first step is due, in milliseconds since 1970. */
  readonly startAt: number;
  /** Makes the names of the threads. */
  readonly prefix: string;
}

/** How an offer was taken. */
export interface OfferResult {
  readonly steps: number;
  /** From the first step's due time to the end of the last one. */
  readonly elapsedMs: number;
  /** From when a step was due to when it was done, without those of the warm-up. */
  readonly stepMs: readonly number[];
  readonly waitingMax: number;
  readonly isSustained: boolean;
  readonly cpuMs: number;
}

/**
 * Has a saver store steps as they fall due, whether or not those before are done: as users come, who
 * do not wait for each other. A step is what LangGraph asks of a saver for a superstep of one task:
 * `putWrites` of a message, then `put` of the state with it. One that is late counts from when it was
 * due.
 */
export async function offerSteps(saver: BaseCheckpointSaver, offer: Offer): Promise<OfferResult> {
  const { stepsPerSecond, seconds, prefix } = offer;
  const threads = Array.from(
    { length: THREADS },
    (_, index) => new Thread(saver, `${prefix}-${index}`),
  );
  const count = Math.round(stepsPerSecond * seconds);
  await sleep(Math.max(0, offer.startAt - Date.now()));

  const start = performance.now();
  const cpuBefore = readCpuMs();
  const stepMs: number[] = [];
  const running: Promise<void>[] = [];
  let done = 0;
  let waitingMax = 0;
  const offerOne = async (index: number): Promise<void> => {
    const due = start + (index * 1_000) / stepsPerSecond;
    await threads[index % THREADS]!.step();
    done += 1;
    stepMs[index] = performance.now() - due;
  };
  while (running.length < count && running.length - done <= stepsPerSecond * MAX_WAITING_SECONDS) {
    const due = Math.min(
      count,
      Math.floor(((performance.now() - start) * stepsPerSecond) / 1_000) + 1,
    );
    while (running.length < due) running.push(offerOne(running.length));
    waitingMax = Math.max(waitingMax, running.length - done);
    await sleep(1);
  }
  const isAllOffered = running.length === count;
  const isLate = running.length - done > stepsPerSecond * MAX_LATE_SECONDS;
  await Promise.all(running);
  return {
    steps: running.length,
    elapsedMs: performance.now() - start,
    stepMs: stepMs.slice(Math.floor(running.length * WARM_UP)),
    waitingMax,
    isSustained: isAllOffered && !isLate,
    cpuMs: readCpuMs() - cpuBefore,
  };
}

/** One thread after another, whose steps follow each other. */
class Thread {
  readonly #saver: BaseCheckpointSaver;
  readonly #name: string;
  #steps = 0;
  #messages: BaseMessage[] = [];
  #config: RunnableConfig = {};
  #last: Promise<void> = Promise.resolve();

  constructor(saver: BaseCheckpointSaver, name: string) {
    this.#saver = saver;
    this.#name = name;
  }

  step(): Promise<void> {
    this.#last = this.#last.then(() => this.#store());
    return this.#last;
  }

  async #store(): Promise<void> {
    const step = this.#steps % STEPS_OF_A_THREAD;
    if (step === 0) await this.#begin();
    this.#steps += 1;
    const content = randomText(`${this.#name} ${this.#steps}`, MESSAGE_LENGTH);
    const message = new AIMessage({ id: randomUUID(), content });
    await this.#saver.putWrites(this.#config, [["messages", [message]]], randomUUID());
    this.#messages = [...this.#messages, message];
    await this.#put(step + 1);
  }

  /** A thread's first checkpoint, which has no messages. */
  async #begin(): Promise<void> {
    const thread = Math.floor(this.#steps / STEPS_OF_A_THREAD);
    this.#messages = [];
    this.#config = { configurable: { thread_id: `${this.#name}-${thread}`, checkpoint_ns: "" } };
    await this.#put(0);
  }

  async #put(step: number): Promise<void> {
    const checkpoint = makeCheckpoint(step, { messages: this.#messages });
    const metadata = { source: "loop", step, parents: {} } as const;
    const { channel_versions: versions } = checkpoint;
    this.#config = await this.#saver.put(this.#config, checkpoint, metadata, versions);
  }
}
