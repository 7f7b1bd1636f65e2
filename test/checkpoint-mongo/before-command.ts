import type { Handle } from "../network/command-proxy.ts";

/** Commands that read or write documents, each when it begins. */
const COMMANDS = ["find", "aggregate", "update", "findAndModify", "delete"];

/** Lets something happen just before one of the commands that reach a server. */
export class BeforeCommand {
  #left = 0;
  #action: (() => Promise<unknown>) | undefined;

  /** Takes the commands on their way. */
  readonly handle: Handle = async (command, send) => {
    if (COMMANDS.some((name) => name in command)) await this.#wait();
    return send(command);
  };

  /**
   * Does something while the next thing that happens before the command of a number, counted from 1.
   *
   * @returns whether there was such a command
   */
  async during(
    number: number,
    action: () => Promise<unknown>,
    operation: () => Promise<unknown>,
  ): Promise<boolean> {
    this.#left = number;
    this.#action = action;
    await operation();
    const isDone = this.#action === undefined;
    this.#action = undefined;
    return isDone;
  }

  async #wait(): Promise<void> {
    const action = this.#action;
    this.#left -= 1;
    if (this.#left > 0 || action === undefined) return;
    this.#action = undefined;
    await action();
  }
}
