import type { Command } from "commander";
import type { ConnectionOptions } from "./connection/connection-options.ts";
import type { Session } from "./connection/session.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** What a command is called with. */
export interface Invocation<Options> {
  /** The arguments: texts, and a list for those that may be several. */
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Options & GlobalOptions;
  readonly terminal: Terminal;
  /** For a command that ends by itself on Ctrl-C and SIGTERM: the signal that is aborted then. */
  readonly heedSignals: () => AbortSignal;
  /** Connects. The session is closed when the command is done. */
  readonly connect: () => Promise<Session>;
  /** Prints a result: as JSON with `--json`, and else as the command shows it. */
  readonly present: (result: unknown, show: () => void | Promise<void>) => Promise<void>;
}

/** The options of every command. */
export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
}

/** A command of the program. Its file is loaded at every start, so it loads what it needs when it runs. */
export interface CommandDefinition<Options = object> {
  readonly name: string;
  /** Under which heading the help lists it. */
  readonly group: (typeof COMMAND_GROUPS)[number];
  /** One line, for the list of commands. */
  readonly summary: string;
  /** More, for its own help. */
  readonly description?: string | undefined;
  /** What can be typed, without the program's name, and what it does. */
  readonly examples: readonly (readonly [typed: string, meaning: string])[];
  /** Adds arguments and options. */
  readonly configure?: ((command: Command) => void) | undefined;
  /** @returns the exit code, if it is not 0 */
  readonly run: (invocation: Invocation<Options>) => Promise<ExitCode | void>;
}

/** The headings of the list of commands, in their order. */
export const COMMAND_GROUPS = [
  "Look:",
  "Change threads:",
  "Move threads:",
  "Keep the database:",
  "This program:",
] as const;

/** The option that lets a command destroy without asking. */
export const YES_OPTION = ["-y, --yes", "do it without asking"] as const;
