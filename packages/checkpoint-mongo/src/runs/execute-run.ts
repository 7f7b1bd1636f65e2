import type { RunnableConfig } from "@langchain/core/runnables";
import { setTimeout as sleep } from "node:timers/promises";
import type { SaverContext } from "../context/context.ts";
import type { ThreadLease } from "../leases/thread-lease.ts";
import type { SaverAccess } from "./access-saver.ts";
import { placeOfAnswer, readWaiting, type WaitingFor } from "./describe-run.ts";
import { DrainControl } from "./drain-control.ts";
import type { GraphState, RunnableGraph } from "./graphs.ts";
import type { ResolvedHandlerOptions } from "./handler-options.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import {
  decideNextStep,
  findStanding,
  hasTimedInterrupts,
  readCheckpointId,
  type Standing,
  type TakenRun,
} from "./next-step.ts";
import type { RunDocument } from "./run-document.ts";
import { createRunSaver } from "./run-saver.ts";
import { readValue } from "./run-values.ts";

/** LangGraph's key for a saver that a call brings along. LangGraph lends it to subgraphs by the same key. */
const LENT_SAVER = "__pregel_checkpointer";

/** How long a graph that was aborted is waited for, and then what it was storing. */
const ABORT_GRACE_MS = 1_000;

/** How an execution is stopped from outside. */
export interface StopSignals {
  /** Stops the graph after its superstep. */
  readonly drain: AbortSignal | undefined;
  /** Stops it at once. */
  readonly abort: AbortSignal;
}

/** What an execution holds: its run, and the run's thread. */
export interface HeldLeases {
  readonly keeper: LeaseKeeper;
  readonly lease: ThreadLease;
}

/** What an execution came to. */
export interface Executed {
  readonly standing: Standing;
  readonly checkpointId: string | undefined;
}

/** What was stored of a run, decoded. */
interface DecodedRun {
  readonly input: unknown;
  readonly config: Readonly<Record<string, unknown>> & {
    readonly configurable?: Readonly<Record<string, unknown>>;
  };
  readonly waiting: WaitingFor | undefined;
  readonly answer: TakenRun["answer"];
}

/** Lets the graph of a run go on until it ends, waits, fails or is stopped. */
export async function executeRun(
  { access, options }: { readonly access: SaverAccess; readonly options: ResolvedHandlerOptions },
  graph: RunnableGraph,
  document: RunDocument,
  { keeper, lease }: HeldLeases,
  stop: StopSignals,
): Promise<Executed> {
  const { _id: runId, thread_id: threadId, token } = document;
  const stored = await access.reach("reading a run", ({ context }) => decode(context, document));
  const { saver, settle } = createRunSaver(access.saver, {
    runId,
    lease,
    assertHeld: () => keeper.assertHeld(),
    onStored: () => keeper.noteProgress(),
  });
  const own = { thread_id: threadId, run_id: runId, run_token: token, [LENT_SAVER]: saver };
  const config = { ...stored.config, configurable: { ...stored.config.configurable, ...own } };
  const at: RunnableConfig = { configurable: { thread_id: threadId, [LENT_SAVER]: saver } };

  const state = await graph.getState(at);
  const isTimed = stored.waiting?.interrupts.some(({ wakeAtMs }) => wakeAtMs !== undefined);
  const step = await decideNextStep(
    {
      runId,
      threadId,
      input: stored.input,
      waiting: stored.waiting,
      answer: stored.answer,
      // Nobody can have begun a run that is taken for the first time.
      hasBegun: async () => token > 1 && hasCheckpointOf(access, document),
      nowMs: isTimed === true ? await askTime(access) : 0,
    },
    state,
  );
  if (step.kind === "settled") return conclude(access, state, stored.waiting);
  try {
    await invoke(graph, step.input, { ...config, durability: options.durability }, stop);
  } finally {
    // Once the thread's lease is given back, it would be refused.
    await Promise.race([settle(), sleep(ABORT_GRACE_MS, undefined, { ref: false })]);
  }
  return conclude(access, await graph.getState(at), stored.waiting);
}

async function conclude(
  access: SaverAccess,
  state: GraphState,
  before: WaitingFor | undefined,
): Promise<Executed> {
  const nowMs = hasTimedInterrupts(state) ? await askTime(access) : 0;
  return { standing: findStanding(state, before, nowMs), checkpointId: readCheckpointId(state) };
}

async function decode(context: SaverContext, document: RunDocument): Promise<DecodedRun> {
  const { _id: runId, thread_id: threadId } = document;
  const place = { runId, threadId, part: "input", turn: 0 };
  const [input, waiting, answer] = await Promise.all([
    readValue(context, place, document.input),
    readWaiting(context, document),
    document.answer &&
      readValue(
        context,
        placeOfAnswer(document, document.turn, document.answered),
        document.answer,
      ),
  ]);
  return {
    ...(input as Pick<DecodedRun, "input" | "config">),
    waiting,
    answer: document.answer && { interruptId: document.answered, value: answer },
  };
}

/** Whether a checkpoint of the run is stored, though the latest one is of others. */
async function hasCheckpointOf({ saver }: SaverAccess, document: RunDocument): Promise<boolean> {
  const { _id: runId, thread_id: threadId } = document;
  const thread = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const found = saver.list(thread, { filter: { run_id: runId }, limit: 1 });
  return (await found.next()).done !== true;
}

function askTime(access: SaverAccess): Promise<number> {
  return access.reach("asking the server for its time", ({ store }) => store.askTime());
}

/** Invokes a graph. One that does not stop when it is aborted is left alone. */
async function invoke(
  graph: RunnableGraph,
  input: unknown,
  config: object,
  { drain, abort }: StopSignals,
): Promise<void> {
  const control = new DrainControl();
  const requestDrain = (): void => control.requestDrain("the worker stops");
  const left = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => {
    timer = setTimeout(() => left.reject(abort.reason), ABORT_GRACE_MS);
  };
  drain?.addEventListener("abort", requestDrain, { once: true });
  abort.addEventListener("abort", leave, { once: true });
  try {
    if (drain?.aborted === true) requestDrain();
    abort.throwIfAborted();
    const invoked = graph.invoke(input, { ...config, control, signal: abort });
    await Promise.race([invoked, left.promise]);
  } finally {
    clearTimeout(timer);
    drain?.removeEventListener("abort", requestDrain);
    abort.removeEventListener("abort", leave);
  }
}
