import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  currentEnvironment,
  type Environment,
} from "../../packages/local-mongodb/src/environment.ts";
import { findDownloadedMongod } from "../../packages/local-mongodb/src/downloaded-mongod.ts";
import { findFreePort, findInstalledMongod } from "../../packages/local-mongodb/src/mongod.ts";
import {
  runSupervised,
  type ServerProgram,
  type SupervisedServer,
} from "../../packages/local-mongodb/src/run-supervised.ts";
import { findSecantus } from "../../packages/local-mongodb/src/secantus.ts";

/** A MongoDB of one's own that can be killed and started again, on the same port and storage. */
export class RestartableServer {
  readonly uri: string;
  readonly #program: ServerProgram;
  readonly #storage: string;
  #running: SupervisedServer | undefined;

  private constructor(program: ServerProgram, port: number, storage: string) {
    this.uri = `mongodb://127.0.0.1:${port}/`;
    this.#program = program;
    this.#storage = storage;
  }

  static async start(): Promise<RestartableServer> {
    const storage = await mkdtemp(join(tmpdir(), "threadkeep-server-restart-"));
    const port = await findFreePort();
    const server = new RestartableServer(
      await pinProgram(await findProgram(currentEnvironment()), port, storage),
      port,
      storage,
    );
    await server.restart();
    return server;
  }

  /** Ends it with SIGKILL; resolves when its process is gone. */
  async kill(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /**
   * Starts it with what it had stored; resolves when it takes writes.
   *
   * @param options.checksUsers whether it lets in only users that it has, and checks what they may
   */
  async restart({ checksUsers = false }: { readonly checksUsers?: boolean } = {}): Promise<void> {
    const program = checksUsers ? await this.#guard() : this.#program;
    this.#running = await runSupervised(program, { log: console.error });
  }

  async #guard(): Promise<ServerProgram> {
    const keyFile = join(this.#storage, "key");
    // A mongod that is a member of a replica set needs one.
    await writeFile(keyFile, "threadkeep", { mode: 0o600 });
    const isSecantus = this.#program.name.startsWith("SecantusDB");
    return {
      name: this.#program.name,
      plan: async (options) => {
        const { initiateReplicaSet: _done, args, ...plan } = await this.#program.plan(options);
        return { ...plan, args: [...args, ...(isSecantus ? ["--auth"] : ["--keyFile", keyFile])] };
      },
    };
  }

  /** Kills it and removes its storage. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#storage, { recursive: true });
  }
}

/** The same program at each start: with one port, and its data where no supervisor removes it. */
async function pinProgram(
  program: ServerProgram,
  port: number,
  storage: string,
): Promise<ServerProgram> {
  const { args, files, readPort, ...pinned } = await program.plan({ directory: storage });
  for (const [file, text] of Object.entries(files)) await writeFile(join(storage, file), text);
  return {
    name: program.name,
    plan: () =>
      Promise.resolve({
        ...pinned,
        args: args.with(args.indexOf("--port") + 1, String(port)),
        files: {},
        readPort: (log) => (readPort(log) === undefined ? undefined : port),
      }),
  };
}

/** The server of this machine, looked for in the order of the tests' own. */
async function findProgram(environment: Environment): Promise<ServerProgram> {
  const choice = environment.variables["THREADKEEP_MONGODB"];
  const ways = { mongod: findInstalledMongod, "memory-server": findDownloadedMongod } as const;
  for (const [way, find] of Object.entries(ways)) {
    if (choice && choice !== way) continue;
    const { program } = await find(environment).catch(() => ({ program: undefined }));
    if (program !== undefined) return program;
  }
  const { program, absent } = await findSecantus(environment);
  if (program === undefined) throw new Error(`There is no server to start: ${absent}`);
  return program;
}
