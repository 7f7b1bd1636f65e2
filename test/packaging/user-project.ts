import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { compileProgram } from "./compile-program.ts";
import { runProgram, type ProgramResult } from "./run-program.ts";
import { workspace, type Published } from "./pack-workspace.ts";

const LOADED_MARK = "modules loaded: ";

/** Prints, when the process ends, what it loaded. */
const LIST_LOADED = `
import { registerHooks } from "node:module";
import { writeSync } from "node:fs";
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
process.on("exit", () => writeSync(1, ${JSON.stringify(LOADED_MARK)} + JSON.stringify(loaded)));
`;

/** The part of a package.json that says what a package is and needs. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly license: string;
  readonly types: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly sideEffects: readonly string[];
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

/**
 * A project outside of the workspace that has one of our packages from its tarball, and nothing else
 * but what that package declares: its dependencies and those of its peers that are not optional.
 */
export class UserProject {
  readonly #directory: string;
  readonly #modules: string;
  readonly #published: Published;
  /** The package's own, as it was packed. */
  readonly manifest: Manifest;

  private constructor(directory: string, published: Published, manifest: Manifest) {
    this.#directory = directory;
    this.#modules = join(directory, "node_modules");
    this.#published = published;
    this.manifest = manifest;
  }

  /** @param directory will be made */
  static async create(
    directory: string,
    published: Published,
    tarball: string,
  ): Promise<UserProject> {
    const installed = join(directory, "node_modules/@threadkeep", published);
    await mkdir(installed, { recursive: true });
    await promisify(execFile)("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
    const manifest = JSON.parse(
      await readFile(join(installed, "package.json"), "utf8"),
    ) as Manifest;
    await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
    const project = new UserProject(directory, published, manifest);
    const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const name of needed) {
      if (manifest.peerDependenciesMeta?.[name]?.optional !== true) await project.link(name);
    }
    await project.#linkFrom(workspace, "@types/node");
    return project;
  }

  /** Its files as they were packed, sorted. */
  async listFiles(): Promise<string[]> {
    const entries = await readdir(join(this.#modules, this.manifest.name), {
      recursive: true,
      withFileTypes: true,
    });
    const root = join(this.#modules, this.manifest.name);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
      .toSorted();
  }

  /** The files that one of its source maps leads to. */
  async listSources(map: string): Promise<string[]> {
    const root = join(this.#modules, this.manifest.name);
    const { sources } = JSON.parse(await readFile(join(root, map), "utf8")) as {
      sources: readonly string[];
    };
    return sources.map((source) => join(dirname(map), source).replaceAll("\\", "/"));
  }

  /** Adds a package in the version that the workspace has for ours. */
  async link(name: string): Promise<void> {
    await this.#linkFrom(join(workspace, "packages", this.#published), name);
  }

  /** Takes a package away again. */
  async unlink(name: string): Promise<void> {
    await rm(join(this.#modules, name));
  }

  /** Installs files as the project's own sources and compiles them; returns what is wrong with ours. */
  async compile(...sources: readonly string[]): Promise<string[]> {
    for (const source of sources) await cp(source, join(this.#directory, basename(source)));
    const complaints = await compileProgram(
      this.#directory,
      sources.map((source) => basename(source)),
      {
        compiler: join(workspace, "node_modules/typescript"),
        // Declarations are looked at too: ours have to make sense without our settings.
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
      },
    );
    // What is wrong with others' declarations is theirs to mend. They are linked, so the compiler
    // finds them outside of the project.
    return complaints.filter((line) => !line.startsWith("../"));
  }

  /** Runs a compiled source with Node.js as it is, without any condition; returns what it printed. */
  async run(source: string, ...args: readonly string[]): Promise<string> {
    const program = join("out", basename(source).replace(/\.ts$/, ".js"));
    const { code, output } = await runProgram(
      process.execPath,
      [program, ...args],
      this.#directory,
    );
    if (code !== 0) throw new Error(`${program} ended with exit code ${code}:\n${output}`);
    return output.trim();
  }

  /** Runs a program of the package; returns what it printed. */
  async runBin(name: string, ...args: readonly string[]): Promise<string> {
    const { code, output } = await this.#node(this.#findBin(name), ...args);
    if (code !== 0) throw new Error(`${name} ended with exit code ${code}:\n${output}`);
    return output.trim();
  }

  /** Milliseconds that a program of the package takes. */
  timeBin(name: string, ...args: readonly string[]): Promise<number> {
    return this.timeNode(this.#findBin(name), ...args);
  }

  /** Milliseconds that Node.js takes with these arguments. */
  async timeNode(...args: readonly string[]): Promise<number> {
    const startMs = performance.now();
    const { code, output } = await this.#node(...args);
    if (code !== 0) throw new Error(`It ended with exit code ${code}:\n${output}`);
    return performance.now() - startMs;
  }

  /** The files of modules that a program of the package loads. */
  async listLoaded(name: string, ...args: readonly string[]): Promise<string[]> {
    const list = join(this.#directory, "list-loaded.mjs");
    await writeFile(list, LIST_LOADED);
    const { output } = await this.#node("--import", list, this.#findBin(name), ...args);
    const [, loaded = "[]"] = output.split(LOADED_MARK);
    return JSON.parse(loaded) as string[];
  }

  /** A file of the package, as text. */
  readFile(file: string): Promise<string> {
    return readFile(join(this.#modules, this.manifest.name, file), "utf8");
  }

  #findBin(name: string): string {
    return join(this.#modules, this.manifest.name, this.manifest.bin?.[name] ?? "missing");
  }

  #node(...args: readonly string[]): Promise<ProgramResult> {
    return runProgram(process.execPath, args, this.#directory);
  }

  async #linkFrom(folder: string, name: string): Promise<void> {
    const path = join(this.#modules, name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(await realpath(join(folder, "node_modules", name)), path, "junction");
  }
}
