import { randomUUID } from "node:crypto";
import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import { toBytes, type StoredBytes } from "../driver/binary.ts";
import { RunConflictError } from "../errors/run-conflict-error.ts";
import { RunNotFoundError } from "../errors/run-not-found-error.ts";
import { RunStateError } from "../errors/run-state-error.ts";
import { hashRequest } from "../integrity/hashes.ts";
import { checkOptions } from "../options/check-options.ts";
import { SaverAccess, type RunContext } from "./access-saver.ts";
import { describeRun, placeOfAnswer, readWaiting, type WaitingFor } from "./describe-run.ts";
import { shareDueSignal, type DueSignal } from "./due-signal.ts";
import { requireGraph, type KnownGraphs } from "./graphs.ts";
import { checkRunList, readRunCursor, writeRunCursor, type RunSearch } from "./list-options.ts";
import { parseRunId } from "./run-id.ts";
import type { RunDocument } from "./run-document.ts";
import { storeValue } from "./run-values.ts";
import { hasEnded, type Run } from "./run.ts";
import { resolveRunsOptions, type RunsOptions } from "./runs-options.ts";

/** How a run is started. */
export interface StartOptions {
  /** The thread to run on. It begins with the run if there is none of the id. */
  threadId: string;
  /**
   * The run's id. Starting it again with the same changes nothing and returns the run as it stands.
   *
   * @default a random UUID
   */
  runId?: string | undefined;
  /** What the graph gets beside its input, whenever it goes on. It is stored with the input. */
  config?:
    | {
        /** Values for the nodes, beside `thread_id`, `run_id` and `run_token`. */
        readonly configurable?: Readonly<Record<string, unknown>> | undefined;
        /** The graph's context. */
        readonly context?: unknown;
        /** Tags for tracing. */
        readonly tags?: readonly string[] | undefined;
        /** Metadata for tracing. */
        readonly metadata?: Readonly<Record<string, unknown>> | undefined;
        /** How many supersteps it may take each time that it goes on. */
        readonly recursionLimit?: number | undefined;
      }
    | undefined;
}

/** A page of runs. */
export interface RunPage {
  /** Those that were started last come first. */
  readonly runs: readonly Run[];
  /** Where the next page begins; undefined on the last page. */
  readonly cursor: string | undefined;
}

const startSchema = z.strictObject({
  threadId: z.unknown(),
  runId: z.unknown().optional(),
  config: z
    .strictObject({
      configurable: z.record(z.string(), z.unknown()).optional(),
      context: z.unknown().optional(),
      tags: z.array(z.string()).optional(),
      metadata: z.record(z.string(), z.unknown()).optional(),
      recursionLimit: z.number().int().min(1).optional(),
    })
    .optional(),
});

const resumeSchema = z.strictObject({ interruptId: z.string().min(1).optional() });

/** When a run that is retried is looked at, should nobody let it on before. */
const LOOK_AGAIN_AFTER_RETRY_MS = 30_000;

/** How often a call looks again when others change the run at the same time. */
const ROUNDS = 20;

/** The runs of a saver: `createRuns`. */
export class Runs {
  private readonly access: SaverAccess;
  private readonly graphs: KnownGraphs;
  private readonly signal: DueSignal;

  /** @internal */
  constructor(options: RunsOptions) {
    const { saver, graphs, expiresAfterMs } = resolveRunsOptions("createRuns", options);
    this.graphs = graphs;
    this.access = new SaverAccess(saver, expiresAfterMs);
    this.signal = shareDueSignal(saver["client"]);
  }

  /**
   * Makes the indexes. It does not have to be called: the first use of a client does the same.
   *
   * @throws SetupError if an index cannot be created
   */
  async setup(): Promise<void> {
    await this.access.setUp();
  }

  /**
   * Stores a run, to be carried out by a worker. When this returns, the input is as durable as a checkpoint. A
   * thread has one run at a time: further ones wait behind it, in the order in which they were started.
   *
   * @param graph the name of its graph
   * @param input what the graph is invoked with; null to go on where the thread stands
   * @returns the run as it stands: after the first call `queued`
   * @throws UnknownGraphError if there is no graph of the name
   * @throws InvalidAddressError if the thread's id is no string or empty
   * @throws InvalidOptionsError if the run's id is no string or empty, or the options are wrong
   * @throws UnserializableStateError if the input could not come back as it is
   * @throws RunConflictError if a run of the id was started with something else
   *
   * @example
   * ```ts
   * await runs.start("research", { messages: [question] }, { threadId: "42", runId: request.id });
   * ```
   */
  async start(graph: string, input: unknown, options: StartOptions): Promise<Run> {
    const { name, version } = requireGraph(this.graphs, graph);
    const checked = checkOptions("runs.start", startSchema, options);
    const threadId = parseThreadId(checked.threadId);
    const runId = checked.runId === undefined ? randomUUID() : parseRunId(checked.runId);
    const { config = {} } = checked;
    // At once: the caller may change what it has handed over.
    const encoded = this.access.encode({ input, config }, "input");
    const run = await this.access.reach("runs.start", async ({ context, store }) => {
      const typed = await encoded;
      await context.serializer.assertLoadable(typed, "input");
      const place = { runId, threadId, part: "input", turn: 0 };
      const { encryption } = context.store;
      const request = hashRequest([typed.type, typed.bytes], encryption?.secrets.hashKey);
      const document = await store.insert({
        _id: runId,
        thread_id: threadId,
        graph: name,
        ...(version !== undefined && { version }),
        request,
        input: await storeValue(context, place, typed),
      });
      requireSame(document, { threadId, graph: name, request });
      return describeRun(context, document);
    });
    if (run.status === "queued") this.signal.due();
    return run;
  }

  /**
   * Returns a run, or undefined if it is not there.
   *
   * @throws InvalidOptionsError if the id is no string or empty
   */
  async get(runId: string): Promise<Run | undefined> {
    const id = parseRunId(runId);
    return this.access.reach("runs.get", async ({ context, store }) => {
      const document = await store.find(id);
      return document && describeRun(context, document);
    });
  }

  /**
   * Lists runs, those that were started last first, a page at a time.
   *
   * @throws InvalidOptionsError if something of the search is wrong or unknown
   */
  async list(search: RunSearch = {}): Promise<RunPage> {
    const { limit, cursor, filter } = checkRunList(search);
    const after = cursor === undefined ? {} : readRunCursor(cursor);
    return this.access.reach("runs.list", async ({ context, store }) => {
      const found = await store.list({ $and: [filter, after] }, limit + 1);
      const page = found.slice(0, limit);
      const runs = await Promise.all(page.map((document) => describeRun(context, document)));
      const last = page.at(-1);
      const isMore = found.length > limit && last !== undefined;
      return { runs, cursor: isMore ? writeRunCursor(last) : undefined };
    });
  }

  /**
   * Answers a run that waits. It is queued with the answer.
   *
   * @param value what `interrupt` or `waitForAnswer` returns in the node. Without meaning for a `durableSleep`, which
   *   ends early, and for a run that has stopped at a breakpoint
   * @param options.interruptId which interrupt is answered; needed if the run waits for several
   * @throws RunNotFoundError if there is no such run
   * @throws RunStateError if it does not wait, or not for this
   * @throws UnserializableStateError if the answer could not come back as it is
   */
  async resume(
    runId: string,
    value?: unknown,
    options: { readonly interruptId?: string | undefined } = {},
  ): Promise<Run> {
    const id = parseRunId(runId);
    const { interruptId } = checkOptions("runs.resume", resumeSchema, options);
    // At once: the caller may change what it has handed over.
    const encoded = this.access.encode(value, "answer");
    const run = await this.access.reach("runs.resume", async ({ context, store }) => {
      const document = await requireRun({ context, store }, id);
      const waiting =
        document.status === "waiting" ? await readWaiting(context, document) : undefined;
      if (waiting === undefined)
        throw notIn(document, "resume", "Only a run that waits can be answered.");
      const answered = chooseInterrupt(document, waiting, interruptId);
      const typed = await encoded;
      await context.serializer.assertLoadable(typed, "answer");
      const turn = document.turn + 1;
      const place = placeOfAnswer(document, turn, answered);
      const answer = await storeValue(context, place, typed);
      const changed = await store.change(
        id,
        { status: "waiting", turn: document.turn },
        {
          status: "queued",
          wakeAfterMs: 0,
          fields: { turn, answer, answered, attempts: 0, error: null },
        },
      );
      if (changed !== undefined) return describeRun(context, changed);
      // A repeated command finds its own answer.
      const now = await requireRun({ context, store }, id);
      if (now.answer !== undefined && isSame(now.answer.hash, answer.hash)) {
        return describeRun(context, now);
      }
      throw notIn(now, "resume", "Somebody else has answered it, or its time was over.");
    });
    this.signal.due();
    return run;
  }

  /**
   * Lets a run that failed, died or was cancelled go on where it stopped, with all its attempts.
   *
   * @throws RunNotFoundError if there is no such run
   * @throws RunStateError if it has not failed, died or been cancelled
   */
  async retry(runId: string): Promise<Run> {
    const id = parseRunId(runId);
    const run = await this.access.reach("runs.retry", async ({ context, store }) => {
      const before = await requireRun({ context, store }, id);
      if (!hasEnded(before.status) || before.status === "done") {
        throw notIn(
          before,
          "retry",
          "Only a run that failed, died or was cancelled can be retried.",
        );
      }
      const changed = await store.change(
        id,
        { status: before.status, token: before.token },
        {
          status: "queued",
          wakeAfterMs: LOOK_AGAIN_AFTER_RETRY_MS,
          fields: { attempts: 0, error: null, cancel: null },
        },
      );
      const after = changed ?? (await requireRun({ context, store }, id));
      if (changed === undefined && hasEnded(after.status)) {
        throw notIn(after, "retry", "Somebody else has changed it. Look at it again.");
      }
      // It lines up behind the runs of its thread, by the time it was first started.
      await store.promoteNext(after.thread_id);
      return describeRun(context, await requireRun({ context, store }, id));
    });
    this.signal.due();
    return run;
  }

  /**
   * Ends a run. One that no worker has is `cancelled` when this returns. Otherwise its worker learns of it by its
   * change stream, or at the next renewal of the lease, within a third of `leaseMs`. It aborts the graph by its
   * `signal` and records the end. The thread stays where its last checkpoint is.
   *
   * @throws RunNotFoundError if there is no such run
   * @throws RunStateError if it has ended in another way
   */
  async cancel(runId: string): Promise<Run> {
    const id = parseRunId(runId);
    return this.access.reach("runs.cancel", async ({ context, store }) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const cancelled = await store.change(
          id,
          { status: { $in: ["queued", "waiting"] } },
          { status: "cancelled", fields: { cancel: null } },
        );
        if (cancelled !== undefined) {
          if ((await store.promoteNext(cancelled.thread_id)) !== undefined) this.signal.due();
          return describeRun(context, cancelled);
        }
        const asked = await store.askToCancel(id);
        if (asked !== undefined) {
          this.signal.cancel(id);
          return describeRun(context, asked);
        }
        const document = await requireRun({ context, store }, id);
        if (document.status === "cancelled") return describeRun(context, document);
        if (hasEnded(document.status)) throw notIn(document, "cancel", "It has ended already.");
      }
      throw notIn(await requireRun({ context, store }, id), "cancel", "Try again.");
    });
  }
}

/**
 * Makes what starts runs, answers, retries, cancels and finds them.
 *
 * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
 *
 * @example
 * ```ts
 * const runs = createRuns({ saver, graphs: { research: graph } });
 * const run = await runs.start("research", { question }, { threadId: "42", runId: "42-1" });
 * ```
 */
export function createRuns(options: RunsOptions): Runs {
  return new Runs(options);
}

/** @throws RunNotFoundError if it is not there */
async function requireRun({ store }: RunContext, runId: string): Promise<RunDocument> {
  const document = await store.find(runId);
  if (document === undefined) throw new RunNotFoundError(runId);
  return document;
}

function notIn({ _id, status }: RunDocument, action: string, advice: string): RunStateError {
  return new RunStateError(_id, status, action, advice);
}

/** @throws RunConflictError if the run was started with something else */
function requireSame(
  document: RunDocument,
  asked: { readonly threadId: string; readonly graph: string; readonly request: Uint8Array },
): void {
  const { _id, thread_id: threadId, graph } = document;
  if (threadId !== asked.threadId) {
    throw new RunConflictError(_id, `it runs on thread "${threadId}"`);
  }
  if (graph !== asked.graph) throw new RunConflictError(_id, `it runs the graph "${graph}"`);
  if (!isSame(document.request, asked.request)) {
    throw new RunConflictError(_id, "it has another input or config");
  }
}

function isSame(a: StoredBytes, b: StoredBytes): boolean {
  return Buffer.compare(toBytes(a), toBytes(b)) === 0;
}

/**
 * @returns undefined for a run that has stopped at a breakpoint
 * @throws RunStateError if it does not wait for that, or it is not clear for what
 */
function chooseInterrupt(
  document: RunDocument,
  { interrupts }: WaitingFor,
  interruptId: string | undefined,
): string | undefined {
  const ids = interrupts.map(({ id }) => id);
  const list = `It waits for: ${ids.join(", ") || "no answer, it stopped at a breakpoint"}.`;
  if (interruptId === undefined) {
    if (ids.length <= 1) return ids[0];
    throw notIn(document, "resume", `${list} Name one of them as interruptId.`);
  }
  if (!ids.includes(interruptId)) {
    throw notIn(document, "resume", `It does not wait for interrupt "${interruptId}". ${list}`);
  }
  return interruptId;
}
