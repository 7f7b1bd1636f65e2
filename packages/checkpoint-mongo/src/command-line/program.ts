import { Command, Option } from "commander";
import {
  COMMAND_GROUPS,
  type CommandDefinition,
  type GlobalOptions,
  type Invocation,
} from "./command.ts";
import { parseDuration } from "./arguments/parse-duration.ts";
import { ENVIRONMENT } from "./connection/connection-options.ts";

/** Carries out a command. */
export type RunCommand = (
  definition: CommandDefinition,
  args: Invocation<object>["args"],
  options: GlobalOptions,
) => Promise<void>;

const AFTER_HELP = `
Examples:
  $ threadkeep threads --status interrupted          threads that wait for an answer
  $ threadkeep show 42                               where thread 42 stands, and its state
  $ threadkeep verify --all                          verifies everything that is stored
  $ threadkeep prune --all --older-than 30d          removes old checkpoints
  $ threadkeep threads --json | jq '.threads[].threadId'

Environment:
  ${ENVIRONMENT.uri}           the connection string, if --uri is not given
  ${ENVIRONMENT.db}         the database, if --db is not given
  ${ENVIRONMENT.config}     the file of options, if --config is not given
  ${ENVIRONMENT.archiveStore}
                        the archive store, if --archive-store is not given
  NO_COLOR              no colours

Exit codes:
  0  done                          4  damage or a problem was found
  1  failed                        5  refused, or not confirmed: nothing was changed
  2  wrong usage                   6  the database cannot be reached, or refuses
  3  not found                   130  ended by Ctrl-C

Credentials in the arguments are seen by all users of a machine: prefer ${ENVIRONMENT.uri}.
`;

/** What the program is made with. */
interface ProgramParts {
  readonly version: string;
  readonly commands: readonly CommandDefinition[];
  /** Carries a command out. */
  readonly run: RunCommand;
}

/** Makes the program with all of its commands. It throws what commander has against a command line. */
export function createProgram({ version, commands, run }: ProgramParts): Command {
  const program = new Command("threadkeep")
    .usage("<command> [options]")
    .description(
      "Finds, verifies, prunes and moves LangGraph.js threads that are stored in MongoDB.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpCommand(
      new Command("help")
        .argument("[command]")
        .summary("print help of a command")
        .description("print help of a command")
        .helpGroup("This program:"),
    )
    .configureHelp({ showGlobalOptions: true })
    // Complaints are thrown, and told where all others are.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText("after", AFTER_HELP);
  for (const option of makeGlobalOptions()) program.addOption(option);
  for (const group of COMMAND_GROUPS) {
    for (const definition of commands) {
      if (definition.group === group) addCommand(program, definition, run);
    }
  }
  return program;
}

function makeGlobalOptions(): readonly Option[] {
  return [
    new Option("--uri <uri>", `the connection string (default: ${ENVIRONMENT.uri})`),
    new Option("--db <name>", "the database (default: that of the connection string)"),
    new Option(
      "--collection-prefix <prefix>",
      "the threads lie in {prefix}threads (default: threadkeep_)",
    ),
    new Option(
      "--checkpoint-collection <name>",
      "where the official saver kept checkpoints (default: checkpoints)",
    ),
    new Option(
      "--writes-collection <name>",
      "where the official saver kept writes (default: checkpoint_writes)",
    ),
    new Option(
      "--config <file>",
      "a module or JSON file with the options of your saver: keys, serde, allowed classes",
    ),
    new Option(
      "--archive-store <place>",
      "where archived threads are: a directory, or s3://bucket/prefix",
    ),
    new Option(
      "--timeout <duration>",
      "how long to wait for the database (default: 10s)",
    ).argParser((text) => parseDuration("--timeout", text) * 1_000),
    new Option("--json", "print JSON, and errors as JSON"),
  ];
}

function addCommand(program: Command, definition: CommandDefinition, run: RunCommand): void {
  const { name, group, summary, description = summary, examples, configure } = definition;
  const command = program.command(name).summary(summary).helpGroup(group);
  command.description(
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`.replace(/\.\.$/, "."),
  );
  configure?.(command);
  command.addHelpText("after", describeExamples(examples));
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, -2) as Invocation<object>["args"];
    await run(definition, args, command.optsWithGlobals());
  });
}

function describeExamples(examples: CommandDefinition["examples"]): string {
  const width = Math.max(...examples.map(([typed]) => typed.length));
  const lines = examples.map(
    ([typed, meaning]) => `  $ threadkeep ${typed.padEnd(width)}  ${meaning}`,
  );
  return ["", "Examples:", ...lines].join("\n");
}
