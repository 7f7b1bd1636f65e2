import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Benchmarks that are programs of their own, and what they do. */
export const programs: Readonly<Record<string, string>> = {
  fleet:
    "How soon the runs of killed workers run elsewhere, how many runs a second 1, 2 and 4 workers carry out, what an idle worker sends, and what a lease adds to a put",
  "llm-faults":
    "Calls of a provider that fails in every way providers do, by the means of LangChain.js, by two gateways and by ResilientChatModel",
  "llm-journal": "What the call journal on MongoDB adds to calls and streams, and what it saves",
  "llm-overhead": "What ResilientChatModel adds to a call that meets no fault",
  savings:
    "What faults cost an agent without checkpoints, with the official saver and with Threadkeep, in simulated time",
};

/** The names of the programs. */
export function listPrograms(): string[] {
  return Object.keys(programs);
}

/** Runs one with its arguments and returns its exit code. */
export async function runProgram(name: string, args: readonly string[]): Promise<number> {
  const folder = name.startsWith("llm-") ? "llm" : name;
  const program = fileURLToPath(new URL(`../${folder}/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
