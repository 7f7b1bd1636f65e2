import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";

const fixture = fileURLToPath(new URL("run-supervised.fixture.ts", import.meta.url));

interface Owner {
  readonly process: ChildProcess;
  readonly port: number;
  /** The owner's own temporary directory: whatever its server leaves behind lies in it. */
  readonly directory: string;
}

const directories: string[] = [];

afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

/** A process that starts a server and then ends in the given way. */
async function startOwner(ending: string): Promise<Owner> {
  const directory = await mkdtemp(join(tmpdir(), "threadkeep-supervision-test-"));
  directories.push(directory);
  const { MONGODB_URI: _notStarted, ...variables } = process.env;
  const owner = spawn(process.execPath, [fixture, ending], {
    env: { ...variables, TMPDIR: directory, TEMP: directory },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [uri] = (await once(createInterface(owner.stdout), "line")) as [string];
  return { process: owner, port: Number(new URL(uri).port), directory };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The supervisor may outlive the owner by as long as it takes to clean up. */
async function expectNothingLeft({ port, directory }: Owner): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await readdir(directory)).toEqual([]);
      expect(await isListening(port)).toBe(false);
    },
    { timeout: 10_000, interval: 50 },
  );
}

// They wait for processes most of the time, so they do it together.
describe.concurrent("a started server and its directory are gone", () => {
  it("when stop() has returned", async () => {
    const owner = await startOwner("stop");
    await once(owner.process, "exit");
    expect(await readdir(owner.directory)).toEqual([]);
    expect(await isListening(owner.port)).toBe(false);
  });

  it.each([
    ["when its process comes to its end without a stop()", "return", 0],
    ["when its process calls exit()", "exit", 3],
    ["when its process dies of an uncaught exception", "throw", 1],
  ])("%s", async (_when, ending, exitCode) => {
    const owner = await startOwner(ending);
    expect(await once(owner.process, "exit")).toEqual([exitCode, null]);
    await expectNothingLeft(owner);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("when its process is ended with %s", async (signal) => {
    const owner = await startOwner("wait");
    // While its process runs, a server is there to be used.
    expect(await readdir(owner.directory)).toHaveLength(1);
    expect(await isListening(owner.port)).toBe(true);
    owner.process.kill(signal);
    expect(await once(owner.process, "exit")).toEqual([null, signal]);
    await expectNothingLeft(owner);
  });
});
