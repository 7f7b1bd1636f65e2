import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileProgram, type Compilation } from "./compile-program.ts";
import { workspace, type Published } from "./pack-workspace.ts";
import { runProgram } from "./run-program.ts";

/** In the versions that the workspace is tested with. */
const SHARED = [
  "@langchain/core",
  "@langchain/langgraph",
  "@langchain/langgraph-checkpoint",
  "@langchain/langgraph-checkpoint-mongodb",
  "langchain",
  "mongodb",
];

/** What only users have. The scheduled workflow takes the newest of these. */
const OTHERS = {
  "@langchain/langgraph-api": "1.5.1",
  "@types/node": "24.19.2",
  deepagents: "1.14.1",
  mongoose: "9.12.1",
};

/** Beside the others, under a name of their own. */
const ALIASES = {
  "mongodb-other": "mongodb@6.20.0",
  "mongoose-8": "mongoose@8.24.10",
  // LangGraph's API wants the 5 to be the one without a suffix.
  typescript: "typescript@5.9.3",
  "typescript-7": "typescript@7.0.2",
};

const TAKES_NEWEST = process.env["THREADKEEP_NEWEST_CONSUMERS"] === "1";

const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));

/** A project outside of the workspace, as a user has one: everything in it is installed by npm. */
export class ConsumerProject {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Installs our tarballs beside LangGraph and whatever else is used with it.
   *
   * @param directory will be made
   */
  static async install(
    directory: string,
    tarballs: Record<Published, string>,
  ): Promise<ConsumerProject> {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "package.json"), JSON.stringify({ private: true }));
    const { code, output } = await runProgram(
      "npm",
      [
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        ...(await Promise.all(SHARED.map(async (name) => `${name}@${await versionOf(name)}`))),
        ...Object.entries(OTHERS).map(
          ([name, version]) => `${name}@${TAKES_NEWEST ? "latest" : version}`,
        ),
        ...Object.entries(ALIASES).map(([alias, target]) => `${alias}@npm:${target}`),
        ...Object.values(tarballs),
      ],
      directory,
    );
    if (code !== 0) throw new Error(`The packages cannot be installed:\n${output}`);
    return new ConsumerProject(directory);
  }

  /**
   * A project with the same packages but the oldest driver that we support, and the mongoose that
   * goes with it. It is theirs, not ours, that is shared with the other project.
   *
   * @param directory will be made
   */
  async withOldestDriver(directory: string): Promise<ConsumerProject> {
    const modules = join(this.directory, "node_modules");
    const replaced: Readonly<Record<string, string>> = {
      mongodb: "mongodb-other",
      "mongodb-other": "mongodb",
      mongoose: "mongoose-8",
    };
    for (const entry of await readdir(modules)) {
      if (entry.startsWith(".") || entry === "@threadkeep") continue;
      await link(join(modules, replaced[entry] ?? entry), join(directory, "node_modules", entry));
    }
    // Copied: what it imports has to be found here.
    const ours = "node_modules/@threadkeep";
    await cp(join(this.directory, ours), join(directory, ours), { recursive: true });
    return new ConsumerProject(directory);
  }

  /**
   * Compiles programs of the folder `programs`, of which each is taken as an ES module if it is named
   * with `.mts`, and in CommonJS with `.cts`.
   *
   * @param changed the source of programs that are not in the folder as they are
   * @returns what the compiler says about the programs and our declarations; what it says about
   *   others' is theirs to mend
   */
  async compile(
    files: readonly string[],
    compilation: Partial<Compilation> = {},
    changed: Readonly<Record<string, string>> = {},
  ): Promise<string[]> {
    for (const file of files) {
      const source = changed[file] ?? (await readProgram(file));
      await writeFile(join(this.directory, file), source);
    }
    const complaints = await compileProgram(this.directory, files, {
      compiler: this.find("typescript-7"),
      skipLibCheck: true,
      exactOptionalPropertyTypes: true,
      ...compilation,
    });
    return complaints.filter((line) => !/^node_modules\/(?!@threadkeep\/)/.test(line));
  }

  /** Where a package of this project lies. */
  find(name: string): string {
    return join(this.directory, "node_modules", name);
  }

  /**
   * Runs a program that was compiled.
   *
   * @param file as it was named to the compiler
   * @param runtime the command to run it with, by default this Node.js
   * @returns the JSON that it printed
   */
  async run(
    file: string,
    args: readonly string[],
    runtime: readonly string[] = [process.execPath],
  ): Promise<unknown> {
    const [command, ...options] = runtime;
    const program = join("out", file.replace(/ts$/, "js"));
    const { code, output } = await runProgram(
      command!,
      [...options, program, ...args],
      this.directory,
    );
    if (code !== 0) throw new Error(`${program} ended with exit code ${code}:\n${output}`);
    return JSON.parse(output) as unknown;
  }
}

/** The source of a program of the folder `programs`. */
export function readProgram(file: string): Promise<string> {
  return readFile(join(PROGRAMS, file.replace(/[mc]ts$/, "ts")), "utf8");
}

async function versionOf(name: string): Promise<string> {
  const manifest = await readFile(join(workspace, "test/node_modules", name, "package.json"));
  return (JSON.parse(manifest.toString()) as { version: string }).version;
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path, "junction");
}
