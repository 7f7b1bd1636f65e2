import { MemorySaver, type BaseCheckpointSaver } from "@langchain/langgraph";
import { compareLines } from "./find-difference.ts";
import { generateProgram } from "./generate-program.ts";
import { Lifeline } from "./lifeline.ts";
import { LockstepSaver } from "./lockstep-saver.ts";
import { ORDERS_WRITES } from "./langgraph-version.ts";
import { listKinds, type Operation, type Program } from "./program.ts";
import { ProgramRun, type Outcome } from "./run-program.ts";
import { Random } from "./random.ts";
import { Shadow } from "./shadow.ts";
import { transcribe } from "./transcript.ts";

/** Their reducers change what they are given. */
const CHANGING_KINDS = ["mutates-left", "mutates-right", "delta-stamps"] as const;

/** The savers that processes have, one after the other, on the same database. */
export interface Processes {
  readonly first: BaseCheckpointSaver;
  /** It has nothing in memory of what the first did. */
  readonly second: BaseCheckpointSaver;
}

/**
 * Runs a seed's program on a saver and on LangGraph's in-memory saver, and reads all that there is of
 * the thread by another process.
 *
 * @returns the first differences
 */
export async function compareUndisturbed(
  seed: number,
  { first, second }: Processes,
  name = "undisturbed",
): Promise<string[]> {
  const program = generateProgram(seed);
  const threadId = `${name}-${seed}`;
  const shadow = new Shadow();
  const lockstep = new LockstepSaver(first, shadow);
  const outcomes = await operate(new ProgramRun(program, lockstep, threadId), program.operations);
  const reader = new LockstepSaver(second, shadow);
  const actual = await transcribeRun(program, outcomes, reader, threadId);

  const memory = new MemorySaver();
  const expectedOutcomes = await operate(
    new ProgramRun(program, memory, threadId),
    program.operations,
  );
  const expected = await transcribeRun(program, expectedOutcomes, memory, threadId);
  return [
    ...lockstep.differences,
    ...reader.differences,
    ...compareTranscripts(program, actual, expected),
  ];
}

/**
 * Runs a seed's program on a saver whose process ends between two calls, and continues in another one;
 * LangGraph's in-memory saver continues from a copy of what it had at that moment.
 *
 * @returns the first differences
 */
export async function compareKilled(seed: number, { first, second }: Processes): Promise<string[]> {
  const program = generateProgram(seed);
  const threadId = `killed-${seed}`;
  const random = new Random(-seed);
  const killedAt = random.between(0, program.operations.length - 1);
  const before = program.operations.slice(0, killedAt);
  const { durability } = program.operations[killedAt]!;
  const after: Operation[] = [
    { kind: "continue", durability, broken: [] },
    ...program.operations.slice(killedAt + 1),
  ];

  const shadow = new Shadow();
  const whole = new LockstepSaver(first, shadow);
  await operate(new ProgramRun(program, whole, threadId), before);
  const lifeline = new Lifeline(random.between(1, 14));
  const dying = new LockstepSaver(first, shadow, lifeline);
  await operate(
    new ProgramRun(program, dying, threadId),
    [program.operations[killedAt]!],
    before.length,
  );
  await lifeline.settle();

  const memory = shadow.copyMemory();
  const resumed = new LockstepSaver(second, shadow);
  await Array.fromAsync(resumed.list({ configurable: { thread_id: threadId } }));
  const outcomes = await operate(new ProgramRun(program, resumed, threadId), after, killedAt);
  const actual = await transcribeRun(program, outcomes, resumed, threadId);
  const expectedOutcomes = await operate(
    new ProgramRun(program, memory, threadId),
    after,
    killedAt,
  );
  const expected = await transcribeRun(program, expectedOutcomes, memory, threadId);
  return [
    ...whole.differences,
    ...dying.differences,
    ...resumed.differences,
    ...compareTranscripts(program, actual, expected),
  ].map((difference) => `${describeKill(killedAt, lifeline)}\n${difference}`);
}

function changesValues(program: Program): boolean {
  const kinds = listKinds(program);
  return CHANGING_KINDS.some((kind) => kinds.has(kind));
}

function describeKill(operation: number, { calls, isDead }: Lifeline): string {
  const end = isDead ? `in op${operation}` : `after op${operation}`;
  return [`The process ended ${end}, after these calls:`, ...calls.map((call) => `  ${call}`)].join(
    "\n",
  );
}

async function operate(
  run: ProgramRun,
  operations: readonly Operation[],
  firstIndex = 0,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, operation] of operations.entries()) {
    outcomes.push(await run.operate(operation, firstIndex + index));
  }
  return outcomes;
}

/** What came of a run, as far as it is the same each time. */
async function transcribeRun(
  program: Program,
  outcomes: readonly Outcome[],
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<string[]> {
  const { graph } = new ProgramRun(program, saver, threadId);
  // What was streamed may have been changed by a reducer before it was looked at, or after.
  const compared = changesValues(program)
    ? outcomes.map(({ error, returned }): Outcome => ({ streamed: [], error, returned }))
    : outcomes;
  return transcribe(compared, graph, saver, threadId);
}

/** Compares two runs, unless LangGraph itself does not do the same twice. */
function compareTranscripts(
  program: Program,
  actual: readonly string[],
  expected: readonly string[],
): string[] {
  const kinds = listKinds(program);
  // What such a channel holds when LangGraph puts it depends on how long the put before it took.
  if (kinds.has("mutates-left")) return [];
  // Where pending writes have no order, a delta channel's value has none either.
  const isOrdered = ORDERS_WRITES || !Array.from(kinds).some((kind) => kind.startsWith("delta"));
  if (!isOrdered) return [];
  const difference = compareLines(actual, expected);
  return difference === undefined ? [] : [`two runs\n${difference}`];
}
