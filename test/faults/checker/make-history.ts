import type { Call, Failure, Place, Result, Seen, WrittenValue } from "../history/call.ts";
import {
  COLD_READER,
  type History,
  type Outcome,
  type Plan,
  type PlannedThread,
  type RecordedCall,
} from "../history/history.ts";

const PLACE: Place = { thread: "t", namespace: "" };

/** Checkpoints are named by letters; this is what each is put and read with, unless something is wrong. */
export function seen(checkpoint: string, changed: Partial<Seen> = {}): Seen {
  return {
    checkpoint,
    parent: parentOf(checkpoint),
    content: `content of ${checkpoint}`,
    writes: {},
    ...changed,
  };
}

/** "b" comes after "a". */
function parentOf(checkpoint: string): string | null {
  return checkpoint === "a" ? null : String.fromCodePoint(checkpoint.codePointAt(0)! - 1);
}

/**
 * A history of one thread, written down call by call: each begins when the one before has ended, if
 * it is not told otherwise, and takes a millisecond.
 */
export class HistoryMaker {
  private readonly calls: RecordedCall[] = [];
  private readonly thread: PlannedThread;
  private readonly part: Plan["part"];
  private nowMs = 1_000;

  constructor({ part = "races", ttlMs }: { part?: Plan["part"]; ttlMs?: number } = {}) {
    this.part = part;
    this.thread = { thread: "t", namespaces: [""], ...(ttlMs !== undefined && { ttlMs }) };
  }

  /** Lets time go by. */
  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  put(checkpoint: string, how: How = {}): this {
    const { parent, content } = seen(checkpoint);
    return this.add({ op: "put", ...PLACE, checkpoint, parent, content }, {}, how);
  }

  write(checkpoint: string, task: string, writes: readonly WrittenValue[], how: How = {}): this {
    return this.add({ op: "putWrites", ...PLACE, checkpoint, task, writes }, {}, how);
  }

  read(checkpoint: string | null, tuple: Seen | undefined, how: How = {}): this {
    const tuples = tuple === undefined ? [] : [tuple];
    return this.add({ op: "getTuple", ...PLACE, checkpoint }, { tuples }, how);
  }

  list(limit: number | null, tuples: readonly Seen[], how: How = {}): this {
    return this.add({ op: "list", ...PLACE, limit }, { tuples }, how);
  }

  remove(how: How = {}): this {
    return this.add({ op: "deleteThread", thread: "t" }, {}, how);
  }

  verify(damages: readonly string[], how: How = {}): this {
    return this.add({ op: "verifyThread", thread: "t" }, { damages }, how);
  }

  /** Everything is read in the end. */
  end(tuples: readonly Seen[]): History {
    const process = COLD_READER;
    this.verify([], { process }).list(null, tuples, { process });
    return this.stop();
  }

  /** Nobody looks in the end. */
  stop(): History {
    return { plan: { part: this.part, seed: 0, threads: [this.thread] }, calls: this.calls };
  }

  private add(call: Call, result: Result, how: How): this {
    const { process = "client", tookMs = 1, unknown } = how;
    const invokedAtMs = this.nowMs;
    const outcome = toOutcome(how, invokedAtMs + tookMs, result);
    const wasKilled = unknown === "killed";
    this.calls.push({ process, call, invokedAtMs, outcome, wasKilled });
    // What takes long continues while others begin.
    this.nowMs += how.meanwhile === true ? 1 : tookMs + 1;
    return this;
  }
}

interface How {
  readonly process?: string;
  readonly tookMs?: number;
  /** Whether the next call begins before this one has ended. */
  readonly meanwhile?: boolean;
  readonly failure?: Failure;
  readonly unknown?: "killed" | "never ended";
}

function toOutcome({ failure, unknown }: How, atMs: number, result: Result): Outcome {
  if (unknown !== undefined) return { kind: "unknown" };
  return failure === undefined ? { kind: "ok", atMs, result } : { kind: "failed", atMs, failure };
}
