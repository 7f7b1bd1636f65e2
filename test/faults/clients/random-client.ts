import { uuid6, type Checkpoint, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../checkpoint-mongo/differential/random.ts";
import type { Place } from "../history/call.ts";
import type { PlannedThread } from "../history/history.ts";
import { readClock } from "../history/recorder.ts";
import type { Mix } from "./client-order.ts";
import { FIRST_STATE, nextState, randomText, type State } from "./random-state.ts";
import type { RecordedSaver } from "./recorded-saver.ts";

/** A checkpoint to build upon. */
interface Base {
  readonly id: string | null;
  readonly state: State;
  readonly version: number;
}

const FIRST: Base = { id: null, state: FIRST_STATE, version: 0 };

/** How many checkpoints of a namespace a client remembers, to go back to. */
const REMEMBERED = 12;

/** After an error a caller repeats what it did about so often, or does something else. */
const REPEAT_CHANCE = 0.6;

const MAX_PAUSE_MS = 20;

/** One who does whatever users of a saver do, in an order that a seed decides. */
export class RandomClient {
  private readonly random: Random;
  private readonly savers: ReadonlyMap<string, RecordedSaver>;
  private readonly threads: readonly PlannedThread[];
  private readonly actions: readonly (readonly [
    weight: number,
    act: (place: Place) => Promise<void>,
  ])[];
  private readonly own = new Map<Place, Base>();
  private readonly remembered = new Map<Place, string[]>();
  private readonly places: readonly Place[];

  constructor(
    random: Random,
    savers: ReadonlyMap<string, RecordedSaver>,
    threads: readonly PlannedThread[],
    mix: Mix,
  ) {
    this.random = random;
    this.savers = savers;
    this.threads = threads;
    this.places = threads.flatMap(({ thread, namespaces }) =>
      namespaces.map((namespace) => ({ thread, namespace })),
    );
    this.actions = [
      [mix.advance, (place) => this.advance(place)],
      [mix.fork, (place) => this.fork(place)],
      [mix.contest, (place) => this.contest(place)],
      [mix.read, (place) => this.read(place)],
      [mix.list, (place) => this.list(place)],
      [mix.deleteThread, (place) => this.saver(place).deleteThread(place.thread)],
      [mix.sweep, (place) => this.saver(place).sweep(place.thread)],
      [mix.verifyThread, (place) => this.saver(place).verifyThread(place.thread)],
    ];
  }

  /** Goes on until it is told to stop; ends when the calls under way have ended. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      // Whatever a call throws is recorded, and for the checker to judge.
      await this.act().catch(() => sleep(MAX_PAUSE_MS));
      await sleep(this.random.between(0, MAX_PAUSE_MS));
    }
  }

  private async act(): Promise<void> {
    const place = this.random.pick(this.places);
    if (this.isAbandoned(place)) return this.read(place);
    const total = this.actions.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.random.next() * total;
    for (const [weight, act] of this.actions) {
      left -= weight;
      if (left < 0) return act(place);
    }
  }

  /** A thread that expires is left alone for long enough now and then, by all clients at once. */
  private isAbandoned({ thread }: Place): boolean {
    const { ttlMs } = this.threads.find((one) => one.thread === thread)!;
    return ttlMs !== undefined && readClock() % (4 * ttlMs) > 1.5 * ttlMs;
  }

  /** A superstep as LangGraph makes it: what its tasks wrote and the next checkpoint go at once. */
  private async advance(place: Place): Promise<void> {
    const own = this.own.get(place);
    // A client that continues a run does not look at what others have done.
    const base =
      own !== undefined && this.random.chance(0.6) ? own : await this.readBase(place, null);
    const writing =
      base.id === null
        ? []
        : Array.from({ length: this.random.between(0, 2) }, () =>
            this.write(place, base.id!, uuid6(0), this.random.chance(0.2)),
          );
    const next = this.putNext(place, base);
    const [put] = await Promise.allSettled([next, ...writing]);
    if (put.status === "fulfilled") this.own.set(place, put.value);
  }

  /** Goes on from somewhere in the history. */
  private async fork(place: Place): Promise<void> {
    const id = this.pickRemembered(place);
    if (id !== undefined) await this.putNext(place, await this.readBase(place, id));
  }

  /** Several clients write as the same task: one of them has to win. */
  private async contest(place: Place): Promise<void> {
    const id = this.pickRemembered(place);
    if (id !== undefined) await this.write(place, id, "contested", false);
  }

  private async read(place: Place): Promise<void> {
    await this.readBase(
      place,
      this.random.chance(0.5) ? null : (this.pickRemembered(place) ?? null),
    );
  }

  private async list(place: Place): Promise<void> {
    const ids = await this.saver(place).list(place, this.random.between(1, 30));
    for (const id of ids.slice(0, REMEMBERED)) this.remember(place, id);
  }

  private async readBase(place: Place, id: string | null): Promise<Base> {
    const tuple = await this.saver(place).getTuple(place, id);
    if (tuple === undefined) return FIRST;
    this.remember(place, tuple.checkpoint.id);
    return toBase(tuple);
  }

  private async putNext(place: Place, base: Base): Promise<Base> {
    const next = {
      id: uuid6(0),
      state: nextState(this.random, base.state),
      version: base.version + 1,
    };
    const versions = { messages: next.version, files: next.version, note: next.version };
    const checkpoint: Checkpoint = {
      v: 4,
      id: next.id,
      ts: new Date().toISOString(),
      channel_values: { ...next.state },
      channel_versions: versions,
      versions_seen: {},
    };
    await this.repeat(() => this.saver(place).put(place, base.id, checkpoint, versions));
    this.remember(place, next.id);
    return next;
  }

  private async write(place: Place, id: string, task: string, isSpecial: boolean): Promise<void> {
    const values = Array.from({ length: 2 }, () =>
      randomText(this.random, this.random.between(5, 2_000)),
    );
    const channels = isSpecial ? ["__error__"] : ["messages", "note"];
    const writes = channels.map((channel, index): [string, unknown] => [channel, values[index]!]);
    await this.repeat(() => this.saver(place).putWrites(place, id, task, writes));
  }

  private async repeat(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!this.random.chance(REPEAT_CHANCE)) throw error;
      await call();
    }
  }

  private saver({ thread }: Place): RecordedSaver {
    return this.savers.get(thread)!;
  }

  private remember(place: Place, id: string): void {
    const ids = [...(this.remembered.get(place) ?? []), id];
    this.remembered.set(place, ids.slice(-REMEMBERED));
  }

  private pickRemembered(place: Place): string | undefined {
    const ids = this.remembered.get(place);
    return ids && this.random.pick(ids);
  }
}

function toBase({ checkpoint }: CheckpointTuple): Base {
  return {
    id: checkpoint.id,
    state: checkpoint.channel_values as unknown as State,
    version: Number(checkpoint.channel_versions["messages"]),
  };
}
