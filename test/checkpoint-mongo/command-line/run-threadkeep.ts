import pty from "@lydell/node-pty";
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(
  new URL("../../../packages/checkpoint-mongo/src/command-line/main.ts", import.meta.url),
);

const NODE_OPTIONS = ["--conditions=@threadkeep/source", MAIN];

/** How a program ended that ran with pipes. */
export interface PipedRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables of the environment; those that are undefined are taken out. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Without what this process was told about colours and databases. */
function makeEnvironment(env: Environment): Record<string, string> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const all = { PATH, HOME, NODE_COMPILE_CACHE, TERM: "xterm-256color", ...env };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** What the program is given beside its arguments and environment. */
export interface Given {
  /** What it gets on its standard input. */
  readonly input?: string;
  /** The directory it is started in. */
  readonly cwd?: string;
}

/** Starts the program with pipes. */
export function startPiped(
  args: readonly string[],
  env: Environment,
  { cwd, stdin = "ignore" }: { readonly cwd?: string; readonly stdin?: "ignore" | "pipe" } = {},
): ChildProcess {
  return spawn(process.execPath, [...NODE_OPTIONS, ...args], {
    cwd,
    env: makeEnvironment(env),
    stdio: [stdin, "pipe", "pipe"],
  });
}

/** Runs the program with pipes, as a script does. */
export async function runPiped(
  args: readonly string[],
  env: Environment,
  { input, cwd }: Given = {},
): Promise<PipedRun> {
  const stdin = input === undefined ? "ignore" : "pipe";
  const child = startPiped(args, env, cwd === undefined ? { stdin } : { stdin, cwd });
  child.stdin?.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exitCode = await new Promise<number | null>((resolve) => {
    child.once("close", resolve);
  });
  return { exitCode, stdout, stderr };
}

/** A program on a terminal. */
export interface TerminalRun {
  /** All that was shown until now, with the terminal's control sequences. */
  readonly shown: string;
  /** Waits until something is shown. */
  until(text: string): Promise<void>;
  type(text: string): void;
  /** Waits for the end; resolves with the exit code. */
  readonly ended: Promise<number>;
}

/** Starts the program on a pseudo-terminal. */
export function startOnTerminal(
  args: readonly string[],
  env: Environment,
  columns = 100,
): TerminalRun {
  const terminal = pty.spawn(process.execPath, [...NODE_OPTIONS, ...args], {
    cols: columns,
    rows: 40,
    env: makeEnvironment(env),
  });
  let shown = "";
  const waiting = new Set<() => void>();
  terminal.onData((text) => {
    shown += text;
    for (const look of waiting) look();
  });
  const ended = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
  return {
    get shown() {
      return shown;
    },
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!shown.includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`It ended without "${text}":\n${shown}`)));
      }),
    type: (text) => terminal.write(text),
    ended,
  };
}

/** Runs the program on a pseudo-terminal; resolves with what it showed. */
export async function runOnTerminal(
  args: readonly string[],
  env: Environment,
  columns?: number,
): Promise<{ readonly exitCode: number; readonly shown: string }> {
  const run = startOnTerminal(args, env, columns);
  const exitCode = await run.ended;
  return { exitCode, shown: run.shown };
}

/** What a person reads of it: without control sequences, lines without what follows their last letter. */
export function readScreen(shown: string): readonly string[] {
  return (
    shown
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/\u001B(?:\[[0-9;?]*[A-Za-z]|[78])/g, "")
      .split(/\r*\n/)
      .map((line) => line.trimEnd())
  );
}
