import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { stopAllProgress } from "./terminal/progress.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** A command that ends by itself may take so long. */
const GRACE_MS = 3_000;

const SIGNALS = [
  ["SIGINT", EXIT_CODES.interrupted],
  ["SIGTERM", EXIT_CODES.terminated],
] as const;

/**
 * Ends the program on Ctrl-C and SIGTERM: at once, since every command of the library may be ended at any point. A
 * command that would leave something behind, such as a half of a file, asks for the signal and ends by itself.
 */
export class Ending {
  readonly #controller = new AbortController();
  #isHeeded = false;
  #exitCode: ExitCode | undefined;

  /** The exit code, once the program is to end. */
  get exitCode(): ExitCode | undefined {
    return this.#exitCode;
  }

  /** From now on, the command ends by itself. */
  heed(): AbortSignal {
    this.#isHeeded = true;
    return this.#controller.signal;
  }

  /** Listens for signals, each once: the second one of a kind ends the process in any case. */
  listen(terminal: Terminal): void {
    for (const [signal, exitCode] of SIGNALS) {
      process.once(signal, () => this.#end(terminal, exitCode));
    }
  }

  #end(terminal: Terminal, exitCode: ExitCode): void {
    stopAllProgress();
    terminal.note("Interrupted. What was done so far stays done.");
    if (!this.#isHeeded) process.exit(exitCode);
    this.#exitCode = exitCode;
    setTimeout(() => process.exit(exitCode), GRACE_MS).unref();
    this.#controller.abort();
  }
}
