import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { MongoDBSaverSettings } from "../../context/options.ts";
import { asUsageError } from "../command-line-error.ts";

/** What the file of `--config` exports by default. */
export interface CommandLineConfig extends MongoDBSaverSettings {
  /** A connection string, for where neither `--uri` nor `MONGODB_URI` is given. */
  readonly uri?: string | undefined;
  /** The serializer that the threads were stored with, if it is one of your own. */
  readonly serde?: SerializerProtocol | undefined;
}

/**
 * Loads a module that exports the options of a saver, or a JSON file with them.
 *
 * @throws CommandLineError if it cannot be loaded or exports no object
 */
export async function readConfig(file: string): Promise<CommandLineConfig> {
  const config = await load(file);
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw asUsageError(
      `The configuration ${file} has to export an object of options by default: ` +
        "export default { dbName: …, collectionPrefix: …, integrity: … }.",
    );
  }
  return config;
}

async function load(file: string): Promise<unknown> {
  const { href } = pathToFileURL(resolve(file));
  try {
    const loaded = (await (file.endsWith(".json")
      ? import(href, { with: { type: "json" } })
      : import(href))) as { readonly default?: unknown };
    return loaded.default;
  } catch (error) {
    throw asUsageError(
      `The configuration ${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
