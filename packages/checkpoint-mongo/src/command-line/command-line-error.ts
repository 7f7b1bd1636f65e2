import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";

/** Something that the user of the command line has to hear, without a stack trace. */
export class CommandLineError extends Error {
  override readonly name: string = "CommandLineError";
  readonly exitCode: ExitCode;
  /** A stable name, for `--json`. */
  readonly code: string;

  /** @param message what is wrong, with what, and what to do */
  constructor(exitCode: ExitCode, code: string, message: string) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The command line is wrong. */
export function asUsageError(message: string): CommandLineError {
  return new CommandLineError(EXIT_CODES.usage, "USAGE", message);
}

/** Something that was named is not there. */
export function asNotFound(message: string): CommandLineError {
  return new CommandLineError(EXIT_CODES.notFound, "NOT_FOUND", message);
}
