import { BaseMessage } from "@langchain/core/messages";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import {
  afterAnswerTo,
  afterRefusal,
  atRequest,
  DEMO_KILLS,
  halfFanOut,
  insideSubgraph,
  midAnswer,
  type KillPoint,
} from "./killing/kill-point.ts";
import type { Sabotage } from "./killing/sabotage.ts";
import { DEMO_OUTAGE } from "./model-server/demo-outage.ts";
import type { OutagePlan } from "./model-server/outage.ts";
import { proveActedOnce } from "./proofs/acted-once.ts";
import { proveAnsweredOnce } from "./proofs/answered-once.ts";
import { proveOnlyCutCallsAskedAgain } from "./proofs/asked-again.ts";
import { proveCostsReported } from "./proofs/costs-reported.ts";
import { finalState } from "./proofs/final-state.ts";
import type { Proof, RunEvidence } from "./proofs/proof.ts";
import { proveRun } from "./proofs/prove-run.ts";
import { proveRefusedMadeGood } from "./proofs/refused-made-good.ts";
import { proveResumedFromNewest } from "./proofs/resumed-newest.ts";
import { proveUnbrokenHistory } from "./proofs/unbroken-history.ts";
import { runThread } from "./run-thread.ts";

// Each test starts processes of its own, several at once: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const mongodbUri = inject("mongodbUri");
const client = new MongoClient(mongodbUri);
const database = temporaryDatabase(client);
const abort = new AbortController();

let threads = 0;
let unkilled: Promise<RunEvidence>;
let demo: Promise<RunEvidence>;

beforeAll(() => {
  // Not waited for here: the other runs go on beside them.
  unkilled = run([]);
  demo = run(DEMO_KILLS, { outage: DEMO_OUTAGE });
});

afterAll(async () => {
  abort.abort(new Error("The tests are over."));
  await database.drop();
  await client.close();
});

describe.concurrent("an agent killed and resumed by its thread id", () => {
  it("asks the model nothing twice when nobody kills it", async () => {
    const evidence = await unkilled;
    expect(evidence.run.lives).toHaveLength(1);
    expect(evidence.calls).toHaveLength(10);
    expect(violationsOf([proveAnsweredOnce(evidence), proveUnbrokenHistory(evidence)])).toEqual([]);
  });

  it("comes through the demo's three kills and its model's outage with every proof holding", async () => {
    const killed = await demo;
    expect(violationsOf(proveRun(killed))).toEqual([]);
    expect(killed.refused).toHaveLength(4);
    expect(comparableState(killed)).toEqual(comparableState(await unkilled));
  });

  // The demo's run is killed in the parallel step, in mid-answer and in the subgraph.
  it("ends in the same state, and repeats no answered call, when killed with the first request, one to the second model and the last request in flight", async () => {
    const killed = await run(
      [atRequest(1), afterRefusal("triage engineer", "scripted-small"), lastRequest],
      { outage: DEMO_OUTAGE },
    );
    expect(killed.run.kills).toHaveLength(3);
    expect(
      violationsOf([
        proveAnsweredOnce(killed),
        proveOnlyCutCallsAskedAgain(killed),
        proveRefusedMadeGood(killed),
        proveCostsReported(killed),
        proveResumedFromNewest(killed),
        proveUnbrokenHistory(killed),
        proveActedOnce(killed),
      ]),
    ).toEqual([]);
    expect(comparableState(killed)).toEqual(comparableState(await unkilled));
  });

  // Here a kill hits the worker while it talks to the database, or has just done so.
  it("ends in the same state, and repeats at most the call it has just had answered, when killed right after answers", async () => {
    const killed = await run([
      afterAnswerTo("incident commander", 1, 6),
      afterAnswerTo("remediation engineer", 3, 0),
    ]);
    expect(killed.run.kills).toHaveLength(2);
    expect(violationsOf([proveUnbrokenHistory(killed)])).toEqual([]);
    expect(comparableState(killed)).toEqual(comparableState(await unkilled));

    for (const { digest, role, turn } of killed.calls) {
      const answers = killed.calls.filter(
        (call) => call.digest === digest && call.outcome === "completed",
      );
      const maxAnswers = ["incident commander, 1", "remediation engineer, 3"].includes(
        `${role}, ${turn}`,
      )
        ? 2
        : 1;
      expect(answers.length, `${role}, turn ${turn}`).toBeGreaterThan(0);
      expect(answers.length, `${role}, turn ${turn}`).toBeLessThanOrEqual(maxAnswers);
    }
  });
});

describe.concurrent("the proofs", () => {
  it.for<[Sabotage, KillPoint, string]>([
    ["forget-writes", halfFanOut, "The call of the logs analyst"],
    ["stale-reads", midAnswer, "has two children, so a step ran twice"],
    ["forget-subgraphs", insideSubgraph, "roll_back was ordered 2 times"],
  ])(
    "fail, and say why, with a saver that has the bug %s",
    async ([sabotage, point, violation]) => {
      const killed = await run([point], { sabotage });
      expect(violationsOf(proveRun(killed)).join("\n")).toContain(violation);
    },
  );

  it("fail, and say why, where a refusal was not made good, came early, or was nobody's plan", async () => {
    const evidence = await demo;
    const { calls } = evidence;
    const waited = calls.findLast(({ outcome }) => outcome === "failed");
    const withCalls = (changed: typeof calls) =>
      proveRefusedMadeGood({ ...evidence, calls: changed }).violations.join("\n");
    expect(withCalls(calls.filter(({ id }) => id <= (waited?.id ?? 0)))).toContain(
      "was never made again",
    );
    const longer = waited && { ...waited, pauseMs: 60_000 };
    expect(
      withCalls(calls.map((call) => (longer && call.id === longer.id ? longer : call))),
    ).toContain("of the 60000 ms it asked for");
    expect(proveRefusedMadeGood({ ...evidence, refused: [] }).violations).toEqual([
      "4 requests failed, 0 of them on purpose.",
    ]);
  });

  it("fail, and say why, where a process kept an answer it got to itself", async () => {
    const evidence = await demo;
    const lives = evidence.run.lives.map((life, index) =>
      index === 1 ? { pid: life.pid, modelReports: [] } : life,
    );
    const { violations } = proveCostsReported({ ...evidence, run: { ...evidence.run, lives } });
    expect(violations).toEqual([
      "scripted-large: 4 requests failed, and 2 were reported.",
      "scripted-small: 5 requests completed, and 3 were reported.",
      "The bill has 10 attempts, the log 14 that ended.",
    ]);
  });
});

const lastRequest: KillPoint = {
  title: "the last request in flight",
  hits: ({ role }) => role === "report writer",
};

interface RunVariation {
  outage?: OutagePlan | undefined;
  sabotage?: Sabotage;
}

function run(
  killPoints: readonly KillPoint[],
  { outage, sabotage }: RunVariation = {},
): Promise<RunEvidence> {
  threads += 1;
  return runThread({
    threadId: `thread-${threads}`,
    mongodbUri,
    client,
    dbName: database.name,
    killPoints,
    model: { scripted: {}, ...(outage && { outage }) },
    sabotage,
    signal: abort.signal,
  });
}

function violationsOf(proofs: readonly Proof[]): string[] {
  return proofs.flatMap(({ violations }) => violations);
}

/**
 * A thread's final values, without the ids that LangGraph draws at random for messages that come
 * without one, and without what tells which model said it and for how much.
 */
function comparableState({ history }: RunEvidence): unknown {
  return Object.fromEntries(
    Object.entries(finalState(history)).map(([channel, value]) => [
      channel,
      Array.isArray(value) ? value.map(withoutOrigin) : value,
    ]),
  );
}

function withoutOrigin(value: unknown): unknown {
  if (!BaseMessage.isInstance(value)) return value;
  const { response_metadata, ...data } = value.toDict().data;
  const { resilience: _, model_name: __, ...metadata } = response_metadata ?? {};
  return { ...data, id: undefined, response_metadata: metadata };
}
