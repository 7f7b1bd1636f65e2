import { CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { listSecretsOfArgument } from "./connection/redact-secrets.ts";
import { COMMANDS } from "./commands.ts";
import { Ending } from "./ending.ts";
import { describeFailure, type DescribedFailure } from "./describe-failure.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { runCommand } from "./run-command.ts";
import { escapeControls } from "./terminal/escape-controls.ts";
import { Terminal } from "./terminal/terminal.ts";

/** Runs the program with its arguments, and sets the exit code of the process. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  const terminal = new Terminal(process);
  const secrets = argv.flatMap(listSecretsOfArgument);
  endWhenNobodyReads();
  const ending = new Ending();
  ending.listen(terminal);
  const isCompleting = argv[0] === "complete";
  const program = createProgram({
    version: readVersion(),
    // What answers shells has a command of that name itself.
    commands: COMMANDS.filter(({ name }) => !isCompleting || name !== "completion"),
    run: async (definition, args, options) => {
      const onSecrets = (more: readonly string[]): void => void secrets.push(...more);
      process.exitCode = await runCommand(definition, args, options, {
        terminal,
        onSecrets,
        heedSignals: () => ending.heed(),
      });
    },
  });
  try {
    if (isCompleting) {
      const { complete } = await import("./complete.ts");
      complete(program, argv);
    } else {
      await program.parseAsync(argv, { from: "user" });
    }
  } catch (error) {
    process.exitCode = ending.exitCode ?? tell(error, terminal, argv, secrets);
  }
}

function tell(
  error: unknown,
  terminal: Terminal,
  argv: readonly string[],
  secrets: readonly string[],
): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT_CODES.done;
  // Without a command, the help has been printed already.
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT_CODES.usage;
  const failure = describeFailure(error, secrets);
  if (argv.includes("--json")) tellProgram(failure, terminal);
  else tellPerson(failure, terminal);
  if (failure.code === "USAGE" && terminal.canAsk) {
    const command = COMMANDS.find(({ name }) => argv.includes(name));
    const typed = ["threadkeep", ...(command === undefined ? [] : [command.name]), "--help"];
    terminal.note(terminal.styleError("dim", `${typed.join(" ")} shows how it is used.`));
  }
  return failure.exitCode;
}

function tellProgram({ code, message, exitCode }: DescribedFailure, terminal: Terminal): void {
  terminal.note(JSON.stringify({ error: { code, message, exitCode } }));
}

function tellPerson({ message, stack }: DescribedFailure, terminal: Terminal): void {
  const printable = (text: string): string => text.split("\n").map(escapeControls).join("\n");
  terminal.note(`${terminal.styleError("red", "error:")} ${printable(message)}`);
  if (stack === undefined) return;
  if (terminal.streams.env["DEBUG"] === undefined) terminal.note("DEBUG=1 shows where.");
  else terminal.note(printable(stack));
}

/** A reader such as `head` has what it wanted, and closes the pipe. */
function endWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

function readVersion(): string {
  const file = findPackageJSON("..", import.meta.url);
  if (file === undefined) return "unknown";
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
