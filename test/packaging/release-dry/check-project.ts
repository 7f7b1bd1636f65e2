import { temporaryDatabase } from "@threadkeep/local-mongodb";
import type { MongoClient } from "mongodb";
import { isDeepStrictEqual } from "node:util";
import { COMPILERS, type Compiler } from "../compilers.ts";
import type { InstalledProject, PackageManager } from "../installed-project.ts";
import { ENTRY_POINTS_PROGRAM, writeEntryPointsProgram } from "./entry-points.ts";
import type { Report } from "./report.ts";

/** What a project is tried with. */
export interface Surroundings {
  readonly uri: string;
  readonly client: MongoClient;
  readonly modelUrl: string;
  /** The entry points of all our packages. */
  readonly entryPoints: readonly string[];
  /** Compilers that check our declarations as well: that takes some of them half a minute. */
  readonly thorough: readonly Compiler[];
}

const MODULE_SYSTEMS = { mts: "ES modules", cts: "CommonJS" } as const;

const EXPECTED_GRAPH = {
  next: ["ask"],
  texts: ["Hello.", "Are you there?", "I am."],
  damages: [],
};

/** Compiles a graph and a program that imports every entry point, with each compiler, and runs both. */
export async function checkProject(
  manager: PackageManager,
  project: InstalledProject,
  surroundings: Surroundings,
  report: Report,
): Promise<void> {
  const driver = await project.findVersion("mongodb");
  const langgraph = await project.findVersion("@langchain/langgraph");
  const name = `${manager}, mongodb ${driver}, LangGraph ${langgraph}`;
  const source = writeEntryPointsProgram(surroundings.entryPoints);
  const kinds = Object.keys(MODULE_SYSTEMS) as (keyof typeof MODULE_SYSTEMS)[];
  const files = kinds.flatMap((kind) => [`graph.${kind}`, `${ENTRY_POINTS_PROGRAM}.${kind}`]);
  const written = Object.fromEntries(
    kinds.map((kind) => [`${ENTRY_POINTS_PROGRAM}.${kind}`, source]),
  );
  for (const compiler of Object.keys(COMPILERS) as Compiler[]) {
    await report.check(
      `${name}: ${COMPILERS[compiler]} accepts a graph in either module system`,
      () =>
        project.compile(
          files,
          {
            compiler: project.find(compiler),
            skipLibCheck: !surroundings.thorough.includes(compiler),
          },
          written,
        ),
    );
  }
  for (const kind of kinds) {
    await report.check(`${name}: all entry points load (${MODULE_SYSTEMS[kind]})`, async () => {
      const empty = (await project.run(`${ENTRY_POINTS_PROGRAM}.${kind}`, [])) as readonly string[];
      return empty.map((entryPoint) => `${entryPoint} exports nothing.`);
    });
    await report.check(`${name}: a graph stops and resumes (${MODULE_SYSTEMS[kind]})`, async () => {
      const { uri, client, modelUrl } = surroundings;
      await using database = temporaryDatabase(client);
      const printed = await project.run(`graph.${kind}`, [uri, database.name, modelUrl]);
      return isDeepStrictEqual(printed, EXPECTED_GRAPH)
        ? []
        : [`It printed ${JSON.stringify(printed)}.`];
    });
  }
}
