import type {
  GetTupleCall,
  ListCall,
  Place,
  PutCall,
  PutWritesCall,
  Seen,
} from "../history/call.ts";
import { COLD_READER, endOf, type History, type RecordedCall } from "../history/history.ts";
import { Lives } from "./lives.ts";

/** A read that returned. */
export interface Read {
  readonly recorded: RecordedCall;
  readonly call: GetTupleCall | ListCall;
  readonly tuples: readonly Seen[];
  readonly invokedAtMs: number;
  readonly endedAtMs: number;
}

/** Something that was stored, or was to be, by one call or by that call repeated. */
export interface Stored<C extends PutCall | PutWritesCall> {
  /** The different calls: of a checkpoint one, of a task those who contested it. */
  readonly calls: readonly C[];
  /** Before this it cannot have been there. */
  readonly invokedAtMs: number;
  /** From then on it has to be there; infinite if nobody acknowledged it. */
  readonly acknowledgedAtMs: number;
  /** When the call that was acknowledged began; infinite if none was. */
  readonly acknowledgedFromMs: number;
  /** From then on nobody can store it any more; infinite if nobody knows. */
  readonly endedAtMs: number;
}

/** A history, by what the rules ask it for. */
export class CheckedHistory {
  readonly history: History;
  readonly lives: Lives;
  readonly reads: readonly Read[];
  readonly checkpoints: ReadonlyMap<string, Stored<PutCall>>;
  readonly writes: ReadonlyMap<string, ReadonlyMap<string, Stored<PutWritesCall>>>;
  private readonly orders = new Map<string, ReadonlyMap<string, number>>();

  constructor(history: History) {
    this.history = history;
    this.lives = new Lives(history);
    this.reads = history.calls.flatMap(toRead);
    this.checkpoints = collectCheckpoints(history);
    this.writes = collectWrites(history);
    for (const { recorded, call, tuples } of this.reads) {
      if (recorded.process !== COLD_READER || call.op !== "list" || call.limit !== null) continue;
      const newestFirst = tuples.map(({ checkpoint }) => checkpoint).toReversed();
      this.orders.set(keyOf(call), new Map(newestFirst.map((id, position) => [id, position])));
    }
  }

  /** All namespaces of the run. */
  get places(): readonly Place[] {
    return this.history.plan.threads.flatMap(({ thread, namespaces }) =>
      namespaces.map((namespace) => ({ thread, namespace })),
    );
  }

  /** The order in which a namespace has its checkpoints in the end; undefined if nobody has looked. */
  orderOf(place: Place): ReadonlyMap<string, number> | undefined {
    return this.orders.get(keyOf(place));
  }

  checkpoint(place: Place, id: string): Stored<PutCall> | undefined {
    return this.checkpoints.get(keyOf(place, id));
  }

  /** What tasks wrote after a checkpoint, by task. */
  writesOf(place: Place, id: string): ReadonlyMap<string, Stored<PutWritesCall>> {
    return this.writes.get(keyOf(place, id)) ?? new Map<string, Stored<PutWritesCall>>();
  }
}

/** Names a namespace, or a checkpoint in it. */
export function keyOf({ thread, namespace }: Place, id?: string): string {
  return JSON.stringify([thread, namespace, id]);
}

function toRead(recorded: RecordedCall): Read[] {
  const { call, outcome, invokedAtMs } = recorded;
  if (call.op !== "getTuple" && call.op !== "list") return [];
  if (outcome.kind !== "ok" || !("tuples" in outcome.result)) return [];
  const { tuples } = outcome.result as { readonly tuples: readonly Seen[] };
  return [{ recorded, call, tuples, invokedAtMs, endedAtMs: outcome.atMs }];
}

function collectCheckpoints({ calls }: History): ReadonlyMap<string, Stored<PutCall>> {
  const puts = calls.filter((recorded) => isOp(recorded, "put"));
  const byCheckpoint = Map.groupBy(puts, ({ call }) => keyOf(call, call.checkpoint));
  return new Map(Array.from(byCheckpoint, ([key, group]) => [key, toStored(group)]));
}

function collectWrites({
  calls,
}: History): ReadonlyMap<string, ReadonlyMap<string, Stored<PutWritesCall>>> {
  const all = calls.filter((recorded) => isOp(recorded, "putWrites"));
  const byCheckpoint = Map.groupBy(all, ({ call }) => keyOf(call, call.checkpoint));
  return new Map(
    Array.from(byCheckpoint, ([key, group]) => {
      const byTask = Map.groupBy(group, ({ call }) => call.task);
      return [key, new Map(Array.from(byTask, ([task, own]) => [task, toStored(own)]))];
    }),
  );
}

function isOp<C extends "put" | "putWrites">(
  recorded: RecordedCall,
  op: C,
): recorded is RecordedCall<C extends "put" ? PutCall : PutWritesCall> {
  return recorded.call.op === op;
}

function toStored<C extends PutCall | PutWritesCall>(group: readonly RecordedCall<C>[]): Stored<C> {
  const acknowledged = group.filter(({ outcome }) => outcome.kind === "ok");
  return {
    calls: group.map(({ call }) => call),
    invokedAtMs: Math.min(...group.map(({ invokedAtMs }) => invokedAtMs)),
    acknowledgedAtMs: Math.min(Infinity, ...acknowledged.map(endOf)),
    acknowledgedFromMs: Math.min(...acknowledged.map(({ invokedAtMs }) => invokedAtMs), Infinity),
    endedAtMs: Math.max(...group.map(endOf)),
  };
}
