import { MemorySaver } from "@langchain/langgraph";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { useDatabase } from "../use-database.ts";
import { findDifference } from "./find-difference.ts";
import { printProgram } from "./print-program.ts";
import { Random } from "./random.ts";
import { holdSession, makeSession, readSession, type Session } from "./session.ts";
import { listSeeds } from "./test-seeds.ts";

const database = useDatabase();
const SESSIONS = 8;
/** Each process ends after at most so many calls of the saver, whichever session makes them. */
const MAX_CALLS = 70;
const KILLS = 2;

it("sessions whose processes are ended by SIGKILL lead to the same states and history as undisturbed ones with LangGraph's MemorySaver", async () => {
  const [firstSeed = 0] = listSeeds(1);
  const sessions = await findSessions(firstSeed);
  const seeds = sessions.map(({ session }) => session.seed);
  const random = new Random(firstSeed);
  const kills = Array.from({ length: KILLS }, () => random.between(10, MAX_CALLS));
  for (const endAt of kills) expect(await runProcess(seeds, endAt)).toBe("SIGKILL");
  expect(await runProcess(seeds, 0)).toBe("ended");

  const reader = database.openSaver();
  for (const { session, expected } of sessions) {
    const actual = await readSession(session, reader, `session-${session.seed}`);
    const difference = findDifference(actual, expected);
    const program = printProgram({ ...session, operations: [] });
    const killed = `${session.durability}, with processes ended at call ${kills.join(" and ")}`;
    expect(difference, `seed ${session.seed}, ${killed}\n${program}`).toBeUndefined();
  }
}, 120_000);

/** The first sessions that come to an end, and what they lead to when nobody disturbs them. */
async function findSessions(
  firstSeed: number,
): Promise<{ readonly session: Session; readonly expected: unknown[] }[]> {
  const found: { session: Session; expected: unknown[] }[] = [];
  for (let seed = firstSeed; found.length < SESSIONS; seed += 1) {
    const session = makeSession(seed);
    const expected = session && (await readUndisturbed(session));
    // Some graphs run in circles, or write twice to what takes one value.
    if (session && expected !== undefined) found.push({ session, expected });
  }
  return found;
}

async function readUndisturbed(session: Session): Promise<unknown[] | undefined> {
  const memory = new MemorySaver();
  try {
    await holdSession(session, memory, "undisturbed");
  } catch {
    return undefined;
  }
  return readSession(session, memory, "undisturbed");
}

async function runProcess(seeds: readonly number[], endAt: number): Promise<"SIGKILL" | "ended"> {
  const script = fileURLToPath(new URL("hold-sessions.fixture.ts", import.meta.url));
  const flags = ["--conditions=@threadkeep/source", "--no-warnings"];
  const parameters = [database.uri, database.name, seeds.join(","), String(endAt)];
  try {
    await promisify(execFile)(process.execPath, [...flags, script, ...parameters]);
    return "ended";
  } catch (error) {
    if ((error as { signal?: string }).signal === "SIGKILL") return "SIGKILL";
    throw error;
  }
}
