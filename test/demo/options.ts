import { parseArgs } from "node:util";
import { DEFAULT_MODEL } from "./worker/worker-model.ts";
import { SABOTAGES, type Sabotage } from "./killing/sabotage.ts";

/** What the demo was asked to do on the command line. */
export interface DemoOptions {
  help: boolean;
  verbose: boolean;
  sabotage?: Sabotage;
}

/** The text of `--help`. */
export const HELP = `Usage: npm run demo -- [options]

Runs an incident agent, kills its process three times with SIGKILL, resumes it
each time in a new process that is given the thread id alone, and proves that
nothing finished ran again. The first of its two scripted models fails for a
while; the second one answers instead. Exits with 1 if a proof does not hold.

Options:
  --verbose          show each task's begin and each request to the model
  --sabotage KIND    break the saver on purpose, to see the proofs fail:
                       forget-writes     drop what finished parallel tasks wrote
                       stale-reads       never find the newest checkpoint
                       forget-subgraphs  never find checkpoints inside subgraphs
  --help             show this text

Environment:
  OPENAI_BASE_URL    an OpenAI-compatible server; without it (and without a key)
                     a local one with scripted replies is used
  OPENAI_API_KEY     the key to it; alone, it means OpenAI's own server
  OPENAI_MODEL       the model to ask for (default ${DEFAULT_MODEL}), or several
                     with commas between them, each to stand in for those before
  MONGODB_URI        a MongoDB; without it one is found or started
  NO_COLOR           no colours`;

/** @throws TypeError for an option that does not exist, or a value it does not have. */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      verbose: { type: "boolean", short: "v", default: false },
      sabotage: { type: "string" },
    },
  });
  const { help, verbose } = values;
  if (values.sabotage === undefined) return { help, verbose };
  const sabotage = SABOTAGES.find((kind) => kind === values.sabotage);
  if (!sabotage)
    throw new TypeError(
      `--sabotage is one of ${SABOTAGES.join(", ")}, not ${JSON.stringify(values.sabotage)}.`,
    );
  return { help, verbose, sabotage };
}
