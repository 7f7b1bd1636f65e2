import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { cp, symlink } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { templateFolder, type TemplateName } from "./template-folder.ts";

/** How a program ended, and what it wrote. */
export interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly notices: string;
}

/** Variables that would lead a template to somebody's model or database. */
const KEYS = new Set([
  "HOLYSHEEP_API_KEY",
  "MONGODB_DB",
  "MONGODB_URI",
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_MODEL",
]);

type Program = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** A template in a directory of its own, as somebody who copied its folder has it. */
export class CopiedTemplate {
  readonly directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(directory: string, environment: NodeJS.ProcessEnv) {
    this.directory = directory;
    this.#environment = environment;
  }

  /**
   * @param directory will be made
   * @param environment what the programs find in theirs, beside what this process has
   */
  static async create(
    name: TemplateName,
    directory: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<CopiedTemplate> {
    await cp(templateFolder(name), directory, {
      recursive: true,
      filter: (source) => ![".env", ".mongodb", "node_modules"].includes(basename(source)),
    });
    // Without a key a script answers. Npm, too, runs on the Node.js that runs these tests.
    const inherited = Object.entries(process.env).filter(([variable]) => !KEYS.has(variable));
    const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;
    return new CopiedTemplate(directory, {
      ...Object.fromEntries(inherited),
      PATH: path,
      ...environment,
    });
  }

  /** Installs what it declares with npm, our own packages from their tarballs. */
  async install(tarballs: readonly string[]): Promise<void> {
    const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    const { code, output, notices } = await this.npm(["install", ...options, ...tarballs]);
    if (code !== 0) throw new Error(`npm install ended with ${code}:\n${output}${notices}`);
  }

  /** Takes what another one has installed that declares the same. */
  async installAs(other: CopiedTemplate): Promise<void> {
    const installed = join(other.directory, "node_modules");
    await symlink(installed, join(this.directory, "node_modules"), "junction");
  }

  npm(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
    return this.#watch(this.#spawn("npm", args, environment));
  }

  node(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
    return this.#watch(this.#spawn(process.execPath, args, environment));
  }

  /** Starts a program with Node.js, to be killed whenever the caller likes. */
  startNode(
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
  ): { readonly ended: Promise<Run>; kill(signal: "SIGKILL"): void } {
    const child = this.#spawn(process.execPath, args, environment);
    return { ended: this.#watch(child), kill: (signal) => child.kill(signal) };
  }

  /**
   * Runs a program with Node.js and ends it with a signal.
   *
   * @param after it gets the signal so many milliseconds after this came on standard output
   * @param typed what somebody types, at a terminal that stays open
   */
  nodeEnded(
    signal: "SIGKILL" | "SIGINT",
    args: readonly string[],
    after: { readonly text: string; readonly ms: number },
    environment: NodeJS.ProcessEnv,
    typed = "",
  ): Promise<Run> {
    const child = this.#spawn(process.execPath, args, environment, "pipe");
    child.stdin?.write(typed);
    let output = "";
    child.stdout.on("data", (part: string) => {
      const hadCome = output.includes(after.text);
      output += part;
      if (hadCome || !output.includes(after.text)) return;
      setTimeout(() => child.kill(signal), after.ms);
    });
    return this.#watch(child);
  }

  #spawn(
    command: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
    stdin: "ignore" | "pipe" = "ignore",
  ): Program {
    const child = spawn(command, args, {
      cwd: this.directory,
      env: { ...this.#environment, ...environment },
      stdio: [stdin, "pipe", "pipe"],
      // On Windows, npm is a script that only a shell can run.
      shell: process.platform === "win32" && command === "npm",
    });
    child.stdout?.setEncoding("utf8");
    child.stderr?.setEncoding("utf8");
    return child as Program;
  }

  async #watch(child: Program): Promise<Run> {
    let output = "";
    let notices = "";
    child.stdout.on("data", (part: string) => (output += part));
    child.stderr.on("data", (part: string) => (notices += part));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output, notices };
  }
}
