import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import type { Document } from "mongodb";
import { onTestFinished } from "vitest";
import type { Handle } from "../network/command-proxy.ts";
import { connectThrough } from "./connect-through.ts";
import { kindOf, type Kind } from "./documents-of-kind.ts";
import { isSave, listUpdates, sendInParts } from "./send-in-parts.ts";
import type { TestDatabase } from "./use-database.ts";

/** Where in what a saver sends something else happens. */
export interface Interruption {
  /**
   * The kind of documents that the command is about. If it has several updates, it happens before the
   * first one of this kind. "any" for before the whole command.
   */
  readonly kind: Kind | "any";
  /** A save has several updates; "updateMany" is an update of many documents, "findOne" reads one. */
  readonly command: "save" | "updateMany" | "findOne";
  /** Asked at each such command whether it is the one; by default it is the first. */
  readonly isDue?: () => boolean;
  /** What happens, once. */
  readonly action: () => Promise<unknown>;
}

/** A saver of a slow process, or of a slow server: something else happens in the middle. */
export async function openInterrupted(
  { uri, name }: Pick<TestDatabase, "uri" | "name">,
  { kind, command: wanted, isDue = () => true, action }: Interruption,
  settings: MongoDBSaverSettings = {},
): Promise<MongoDBSaver> {
  let interrupted = false;
  const interrupt = (): boolean => {
    if (interrupted || !isDue()) return false;
    interrupted = true;
    return true;
  };
  const handle: Handle = async (command, send) => {
    const at = findPlace(command, wanted, kind);
    if (at === undefined || !interrupt()) return send(command);
    if (wanted === "save") return sendInParts(command, send, [at], action);
    await action();
    return send(command);
  };
  const client = await connectThrough(uri, handle);
  onTestFinished(() => {
    if (!interrupted) throw new Error("The saver has sent nothing that was to be interrupted.");
  });
  return new MongoDBSaver({ dbName: name, ...settings, client });
}

/** The position of the update before which it happens; undefined if the command is another one. */
function findPlace(
  command: Document,
  wanted: Interruption["command"],
  kind: Interruption["kind"],
): number | undefined {
  const isOf = (filter: Document | undefined): boolean =>
    kind === "any" || filter?.["kind"] === kind;
  switch (wanted) {
    case "save": {
      if (!isSave(command)) return undefined;
      const updates = listUpdates(command);
      const at = kind === "any" ? 0 : updates.findIndex((update) => kindOf(update) === kind);
      return at === -1 ? undefined : at;
    }
    case "updateMany": {
      const [update] = listUpdates(command);
      return update?.multi === true && isOf(update.q) ? 0 : undefined;
    }
    case "findOne":
      return "find" in command &&
        Number(command["limit"]) === 1 &&
        isOf(command["filter"] as Document)
        ? 0
        : undefined;
  }
}
