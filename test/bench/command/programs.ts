import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = new URL("../", import.meta.url);
const PROGRAM = /^(llm-[a-z-]+)\.ts$/;

/** Benchmarks that are programs of their own, found by their file names. */
export function listPrograms(): string[] {
  return readdirSync(directory).flatMap((file) => PROGRAM.exec(file)?.[1] ?? []);
}

/** Runs one with its arguments and returns its exit code. */
export async function runProgram(name: string, args: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL(`${name}.ts`, directory));
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
