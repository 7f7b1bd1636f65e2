import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { History, Outcome, Plan, RecordedCall } from "./history.ts";
import type { HistoryLine } from "./recorder.ts";

const PLAN = "plan.json";
const EXTENSION = ".jsonl";

/** Where a run's plan lies. */
export function planFile(directory: string): string {
  return join(directory, PLAN);
}

/**
 * Reads what all processes of a run recorded.
 *
 * @throws Error if the directory holds no history, or something in it is none
 */
export function readHistory(directory: string): History {
  const plan = planFile(directory);
  if (!existsSync(plan))
    throw new Error(`${directory} holds no history: there is no ${PLAN} in it.`);
  const files = readdirSync(directory).filter((file) => file.endsWith(EXTENSION));
  return {
    plan: JSON.parse(readFileSync(plan, "utf8")) as Plan,
    calls: files
      .flatMap((file) => readProcess(join(directory, file)))
      .toSorted((a, b) => a.invokedAtMs - b.invokedAtMs),
  };
}

function readProcess(path: string): RecordedCall[] {
  const texts = readFileSync(path, "utf8")
    .split("\n")
    .filter((text) => text !== "");
  const wasKilled = texts.at(-1)?.startsWith('{"killedAtMs":') === true;
  const invoked = new Map<number, Pick<RecordedCall, "call" | "invokedAtMs">>();
  const outcomes = new Map<number, Outcome>();
  for (const [index, text] of texts.entries()) {
    const line = parseLine(text);
    if (line === undefined) {
      // The last thing that a killed process did may have been to begin a line.
      if (index >= texts.length - (wasKilled ? 2 : 1)) continue;
      throw new Error(`${path}, line ${index + 1}: not a line of a history.`);
    }
    if ("invoked" in line) {
      invoked.set(line.invoked, { call: line.call, invokedAtMs: line.atMs });
    } else if ("result" in line) {
      outcomes.set(line.ended, { kind: "ok", atMs: line.atMs, result: line.result });
    } else if ("failure" in line) {
      outcomes.set(line.ended, { kind: "failed", atMs: line.atMs, failure: line.failure });
    }
  }
  const process = basename(path, EXTENSION);
  return Array.from(invoked, ([number, call]) => {
    const outcome = outcomes.get(number) ?? { kind: "unknown" };
    return { ...call, process, outcome, wasKilled: outcome.kind === "unknown" && wasKilled };
  });
}

function parseLine(text: string): HistoryLine | undefined {
  try {
    return JSON.parse(text) as HistoryLine;
  } catch {
    return undefined;
  }
}
