import { MemorySaver, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { expect } from "vitest";
import { useDatabase, type TestDatabase } from "../use-database.ts";

/** What a program works with. */
export interface Scene {
  readonly saver: BaseCheckpointSaver;
  /** The same store, as another process sees it. */
  readonly elsewhere: BaseCheckpointSaver;
  /** A thread of the program's own. */
  readonly threadId: string;
  readonly config: { configurable: { thread_id: string } };
}

/** What to do with a saver, and what comes of it. */
export type Program<T> = (scene: Scene) => Promise<T>;

export interface BothSavers {
  readonly database: TestDatabase;
  /**
   * Runs a program with LangGraph's `MemorySaver`, then with a `MongoDBSaver`; what comes of them is
   * the same, but for ids and times, which are new each time.
   *
   * @returns what came of it with the `MemorySaver`
   */
  readonly expectSame: <T>(
    program: Program<T>,
    open?: (settings: MongoDBSaverSettings) => BaseCheckpointSaver,
  ) => Promise<T>;
}

/** Opens a database for the tests of a file, each of which runs on both savers. */
export function useBothSavers(): BothSavers {
  const database = useDatabase();
  let programs = 0;
  return {
    database,
    expectSame: async (program, open = (settings) => database.openSaver(settings)) => {
      programs += 1;
      const threadId = `program-${programs}`;
      const config = { configurable: { thread_id: threadId } };
      const memory = new MemorySaver();
      const expected = await program({ saver: memory, elsewhere: memory, threadId, config });
      // Collections of its own, so that a program sees nothing of the others.
      const settings = { collectionPrefix: `program_${programs}_` };
      const elsewhere = database.openSaverElsewhere(settings);
      const found = await program({ saver: open(settings), elsewhere, threadId, config });
      expect(withoutIds(found)).toEqual(withoutIds(expected));
      return expected;
    },
  };
}

/** Ids of checkpoints, tasks and messages, also within namespaces, and those of interrupts. */
const IDS = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\b[\da-f]{32}\b/g;
const TIMES = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** A value with ids replaced by the order in which they come up, and times by a mark. */
function withoutIds(value: unknown): unknown {
  const names = new Map<string, string>();
  const seen = new Map<object, unknown>();
  const nameOf = (id: string) => {
    if (!names.has(id)) names.set(id, `id ${names.size}`);
    return names.get(id)!;
  };
  const walk = (part: unknown): unknown => {
    if (typeof part === "string") return part.replaceAll(IDS, nameOf).replaceAll(TIMES, "a time");
    if (typeof part !== "object" || part === null) return part;
    if (seen.has(part)) return seen.get(part);
    if (part instanceof Date || ArrayBuffer.isView(part)) return part;
    if (Array.isArray(part)) {
      const copy: unknown[] = [];
      seen.set(part, copy);
      for (const item of part) copy.push(walk(item));
      return copy;
    }
    if (part instanceof Map || part instanceof Set) {
      return { class: part.constructor.name, entries: Array.from(part as Set<unknown>, walk) };
    }
    // That a value comes back as an instance of its class is part of what is compared.
    const copy: Record<string, unknown> = { class: part.constructor?.name };
    seen.set(part, copy);
    // What an error has besides its name and message is the stack, which says who read it.
    const keys = part instanceof Error ? ["name", "message"] : Object.keys(part).toSorted();
    for (const key of keys) copy[String(walk(key))] = walk((part as Record<string, unknown>)[key]);
    return copy;
  };
  return walk(value);
}
