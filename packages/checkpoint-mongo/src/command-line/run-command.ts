import type { CommandDefinition, GlobalOptions, Invocation } from "./command.ts";
import type { Session } from "./connection/session.ts";
import { describeEvent, type SaverEvent } from "../context/events.ts";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { stopAllProgress } from "./terminal/progress.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { stringify } from "./terminal/to-json.ts";

/** What a run of a command needs beside its arguments. */
export interface RunPlace {
  readonly terminal: Terminal;
  /** Hears what no message may show. */
  readonly onSecrets: (secrets: readonly string[]) => void;
  readonly heedSignals: () => AbortSignal;
}

/** Carries a command out and closes its connection. */
export async function runCommand(
  { run }: CommandDefinition,
  args: Invocation<object>["args"],
  options: GlobalOptions,
  { terminal, onSecrets, heedSignals }: RunPlace,
): Promise<ExitCode> {
  let session: Session | undefined;
  const connect = async (): Promise<Session> => {
    const { openSession } = await import("./connection/session.ts");
    const { env } = terminal.streams;
    const onEvent = (event: SaverEvent): void => {
      // What cannot be restored ends the command, and is told then.
      if (event.type !== "restore-failed") terminal.warn(describeEvent(event));
    };
    session ??= await openSession(options, { env, onEvent, onSecrets });
    return session;
  };
  const present: Invocation<object>["present"] = async (result, show) => {
    if (options.json === true) terminal.print(stringify(result));
    else await show();
  };
  try {
    return (
      (await run({ args, options, terminal, connect, present, heedSignals })) ?? EXIT_CODES.done
    );
  } finally {
    stopAllProgress();
    await session?.client.close();
  }
}
