import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { cp, readFile } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import type { Manifest } from "../packaging/user-project.ts";
import { workspace } from "../packaging/pack-workspace.ts";

/** The templates that can be copied alone: their folders in `packages/examples/src`. */
export const TEMPLATES = ["chat-memory", "migrate-from-official"] as const;

/** One of the templates that can be copied alone. */
export type TemplateName = (typeof TEMPLATES)[number];

/** How a program ended, and what it wrote. */
export interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly notices: string;
}

/** The folder of a template in this repository. */
export function templateFolder(name: TemplateName): string {
  return join(workspace, "packages/examples/src", name);
}

type Program = ChildProcessByStdio<null, Readable, Readable>;

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
    // No key: a script answers. And the Node.js that runs these tests, for npm too.
    const { OPENAI_API_KEY: _, OPENAI_BASE_URL: __, MONGODB_URI: ___, ...rest } = process.env;
    const path = `${dirname(process.execPath)}${delimiter}${rest["PATH"] ?? ""}`;
    return new CopiedTemplate(directory, { ...rest, PATH: path, ...environment });
  }

  async readManifest(): Promise<Manifest> {
    return JSON.parse(await readFile(join(this.directory, "package.json"), "utf8")) as Manifest;
  }

  /** Installs what it declares with npm, our own packages from their tarballs. */
  async install(tarballs: readonly string[]): Promise<void> {
    const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    const { code, output, notices } = await this.npm(["install", ...options, ...tarballs]);
    if (code !== 0) throw new Error(`npm install ended with ${code}:\n${output}${notices}`);
  }

  npm(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
    return this.#watch(this.#spawn("npm", args, environment));
  }

  node(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Run> {
    return this.#watch(this.#spawn(process.execPath, args, environment));
  }

  /**
   * Runs a program with Node.js and kills it with SIGKILL.
   *
   * @param after it is killed so many milliseconds after this came on standard output
   */
  nodeKilled(
    args: readonly string[],
    after: { readonly text: string; readonly ms: number },
    environment: NodeJS.ProcessEnv,
  ): Promise<Run> {
    const child = this.#spawn(process.execPath, args, environment);
    let output = "";
    child.stdout.on("data", (part: string) => {
      const hadCome = output.includes(after.text);
      output += part;
      if (hadCome || !output.includes(after.text)) return;
      setTimeout(() => child.kill("SIGKILL"), after.ms);
    });
    return this.#watch(child);
  }

  #spawn(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Program {
    const child = spawn(command, args, {
      cwd: this.directory,
      env: { ...this.#environment, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      // On Windows, npm is a script that only a shell can run.
      shell: process.platform === "win32" && command === "npm",
    });
    child.stdout.setEncoding("utf8");
    child.stderr.setEncoding("utf8");
    return child;
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
