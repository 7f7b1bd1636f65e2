import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNPM } from "../../scripts/bootstrap.mjs";
import { compileProgram, type Compilation } from "./compile-program.ts";
import { runProgram } from "./run-program.ts";

/** What users install packages with. */
export type PackageManager = "npm" | "pnpm";

const INSTALL: Readonly<Record<PackageManager, readonly string[]>> = {
  npm: ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline"],
  pnpm: ["npx", "--yes", PNPM, "add", "--prefer-offline", "--ignore-scripts"],
};

const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));

/** A project outside of the workspace, as a user has one: a package manager installs all that is in it. */
export class InstalledProject {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * @param directory will be made
   * @param packages as they are named on the command line: with a version, as an alias, or a tarball
   */
  static async install(
    directory: string,
    manager: PackageManager,
    packages: readonly string[],
  ): Promise<InstalledProject> {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "package.json"), JSON.stringify({ private: true }));
    const [command, ...args] = INSTALL[manager];
    const { code, output } = await runProgram(command!, [...args, ...packages], directory);
    if (code !== 0) throw new Error(`${manager} cannot install the packages:\n${output}`);
    return new InstalledProject(directory);
  }

  /**
   * Compiles programs of the folder `programs`. Each is an ES module if it is named with `.mts`, and in
   * CommonJS with `.cts`.
   *
   * @param changed the source of programs that are not in the folder as they are
   * @returns what the compiler says about the programs and our declarations. What it says about others'
   *   is theirs to mend.
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
    return complaints.filter((line) => !isAboutOthers(line));
  }

  /** Where a package of this project lies. */
  find(name: string): string {
    return join(this.directory, "node_modules", name);
  }

  /** The version of a package of this project. */
  async findVersion(name: string): Promise<string> {
    const manifest = await readFile(join(this.find(name), "package.json"), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
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

/** Whether a complaint is about a file of a package that is not ours. */
function isAboutOthers(complaint: string): boolean {
  const [file] = complaint.split("(", 1);
  // pnpm's folders are nested: the last one names the package.
  const name = file!.split("node_modules/").at(-1);
  return name !== file && !name!.startsWith("@threadkeep/");
}
