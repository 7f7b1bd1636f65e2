import { fileURLToPath } from "node:url";
import {
  afterAnswerTo,
  atRequest,
  DEMO_KILLS,
  finalState,
  halfFanOut,
  insideSubgraph,
  midAnswer,
  proveActedOnce,
  proveAnsweredOnce,
  proveOnlyCutCallsAskedAgain,
  proveResumedFromNewest,
  proveRun,
  proveUnbrokenHistory,
  runThread,
  type KillPoint,
  type Proof,
  type RunEvidence,
  type Sabotage,
} from "@threadkeep/examples/demo";
import { BaseMessage } from "@langchain/core/messages";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";

// Each test starts processes of its own, several at once: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });
// The workers load the same modules again and again; compiled once, they start in half the time.
vi.stubEnv(
  "NODE_COMPILE_CACHE",
  fileURLToPath(new URL("../node_modules/.cache/threadkeep/compiled", import.meta.url)),
);

const mongodbUri = inject("mongodbUri");
const client = new MongoClient(mongodbUri);
const database = temporaryDatabase(client);
const abort = new AbortController();

let threads = 0;
let unkilled: RunEvidence;

beforeAll(async () => {
  unkilled = await run([]);
});

afterAll(async () => {
  abort.abort(new Error("The tests are over."));
  await database.drop();
  await client.close();
});

describe.concurrent("an agent killed and resumed by its thread id", () => {
  it("asks the model nothing twice when nobody kills it", () => {
    expect(unkilled.run.lives).toHaveLength(1);
    expect(unkilled.calls).toHaveLength(10);
    expect(violationsOf([proveAnsweredOnce(unkilled), proveUnbrokenHistory(unkilled)])).toEqual([]);
  });

  it("comes through the demo's three kills with every proof holding", async () => {
    const killed = await run(DEMO_KILLS);
    expect(violationsOf(proveRun(killed))).toEqual([]);
    expect(comparableState(killed)).toEqual(comparableState(unkilled));
  });

  // Of the ten calls of a run, 2 to 5 are the parallel ones and 7 to 9 the subgraph's.
  it.for([1, 2, 4, 7, 8, 10])(
    "ends in the same state, and repeats no answered call, when killed with request %i in flight",
    async (k) => {
      const killed = await run([atRequest(k)]);
      expect(killed.run.kills).toHaveLength(1);
      expect(
        violationsOf([
          proveAnsweredOnce(killed),
          proveOnlyCutCallsAskedAgain(killed),
          proveResumedFromNewest(killed),
          proveUnbrokenHistory(killed),
          proveActedOnce(killed),
        ]),
      ).toEqual([]);
      expect(comparableState(killed)).toEqual(comparableState(unkilled));
    },
  );

  // Here the kill hits the worker while it talks to the database, or has just done so.
  it.for([
    ["incident commander", 1, 6],
    ["remediation engineer", 1, 12],
    ["remediation engineer", 3, 0],
  ] as const)(
    "ends in the same state, and repeats at most that one call, when killed after the answer to the %s (turn %i) and %i ms",
    async ([role, turn, delayMs]) => {
      const killed = await run([afterAnswerTo(role, turn, delayMs)]);
      expect(killed.run.kills).toHaveLength(1);
      expect(violationsOf([proveUnbrokenHistory(killed)])).toEqual([]);
      expect(comparableState(killed)).toEqual(comparableState(unkilled));

      const answered = killed.calls.filter(({ outcome }) => outcome === "completed");
      const repeated = answered.filter(({ id, digest }) =>
        answered.some((earlier) => earlier.digest === digest && earlier.id < id),
      );
      expect(repeated.length).toBeLessThanOrEqual(1);
      for (const call of repeated) expect(call).toMatchObject({ role, turn });
    },
  );
});

describe.concurrent("the proofs", () => {
  it.for<[Sabotage, KillPoint, string]>([
    ["forget-writes", halfFanOut, "The call of the logs analyst"],
    ["stale-reads", midAnswer, "has two children, so a step ran twice"],
    ["forget-subgraphs", insideSubgraph, "roll_back was ordered 2 times"],
  ])(
    "fail, and say why, with a saver that has the bug %s",
    async ([sabotage, point, violation]) => {
      const killed = await run([point], sabotage);
      expect(violationsOf(proveRun(killed)).join("\n")).toContain(violation);
    },
  );
});

function run(killPoints: readonly KillPoint[], sabotage?: Sabotage): Promise<RunEvidence> {
  threads += 1;
  return runThread({
    threadId: `thread-${threads}`,
    mongodbUri,
    client,
    dbName: database.name,
    killPoints,
    model: { scripted: {} },
    sabotage,
    signal: abort.signal,
  });
}

function violationsOf(proofs: readonly Proof[]): string[] {
  return proofs.flatMap(({ violations }) => violations);
}

/** A thread's final values, without the ids that LangGraph draws at random for messages that come without one. */
function comparableState({ history }: RunEvidence): unknown {
  return Object.fromEntries(
    Object.entries(finalState(history)).map(([channel, value]) => [
      channel,
      Array.isArray(value) ? value.map(withoutRandomId) : value,
    ]),
  );
}

function withoutRandomId(value: unknown): unknown {
  if (!BaseMessage.isInstance(value)) return value;
  return { ...value.toDict().data, id: undefined };
}
