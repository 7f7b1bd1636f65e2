import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { runPiped, startPiped } from "./run-threadkeep.ts";

vi.setConfig({ testTimeout: 90_000 });

const database = useDatabase();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };

/** Reachable nowhere, so that nothing depends on a server. */
const NOWHERE = "127.0.0.1:1";

describe.concurrent("a wrong command line", () => {
  it.each([
    [["thraeds"], "Unknown command 'thraeds' (Did you mean threads?)."],
    [["threads", "--limt", "2"], "Unknown option '--limt' (Did you mean --limit?)."],
    [["show"], "Missing required argument 'thread'."],
    [["show", "a", "b", "c"], "Too many arguments for 'show'. Expected 2 arguments but got 3."],
    [["threads", "--limit", "0"], '--limit: expected a whole number from 1 to 1000, got "0".'],
    [["threads", "--metadata", "user"], '--metadata: expected key=value, got "user".'],
    [["threads", "--updated-after", "soon"], "--updated-after: expected a date such as"],
    [["verify"], "Name threads, or give --all: one of the two."],
    [["verify", "a", "--all"], "Name threads, or give --all: one of the two."],
    [["prune", "a"], "Say what stays: --keep-latest, --keep-last <number> or --older-than"],
    [["prune", "a", "--keep-latest", "--keep-last", "2"], "cannot be used with option"],
    [["sweep", "--grace", "1 hour"], "--grace: expected a length of time such as 90s"],
    [["completion", "bsh"], "Did you mean bash?"],
    [["export", "a", "--compress", "zip"], "Allowed choices are none, gzip, zstd."],
    [["archive"], "Name threads, or say which: --older-than <duration>."],
    [["archive", "--restore"], "Name threads to restore."],
    [["archive", "--restore", "a", "--dry-run"], "cannot be used with option"],
    [["archive", "a", "--archive-store", "gs://a"], "expected a directory, or a bucket as s3://"],
    [
      ["archive", "a", "--archive-store", "s3://a?acl=1"],
      "expected endpoint or region after the ?",
    ],
    [["archive", "a", "--archive-store", "s3://k:s@a"], "expected no credentials in the URL"],
    [["migrate", "--concurrency", "65"], "expected a whole number from 1 to 64"],
  ])("%j ends with 2 before anything is sent, and says what is wrong", async (args, message) => {
    const { exitCode, stdout, stderr } = await runPiped(args, {
      MONGODB_URI: `mongodb://${NOWHERE}/`,
    });
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  it("without a connection string ends with 2, and says how to give one", async () => {
    const { exitCode, stderr } = await runPiped(["threads"], {});
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Set MONGODB_URI");
  });

  it("without a command shows the help and ends with 2", async () => {
    const { exitCode, stdout, stderr } = await runPiped([], {});
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("Usage: threadkeep <command>");
  });
});

describe.concurrent("credentials", () => {
  const uris = [
    `mongodb://ada:s3cret%21@${NOWHERE}/db`,
    `mongodb://ada:s3cret%21@${NOWHERE}/db?x=s3cret!`,
    "mongodb:/ada:s3cret%21@host",
    "mongodb://ada:s3cret%21@",
    "mongodb+srv://ada:s3cret%21@host.invalid/?tls=maybe",
    "mongodb://ada:s3cret!@host:port/",
    `mongodb://ada:s3c/ret@${NOWHERE}/`,
  ];

  it.each(uris)("of %s are in no message, however it is given", async (uri) => {
    const ways = [
      await runPiped(["threads", "--timeout", "1s"], { MONGODB_URI: uri }),
      await runPiped(["threads", "--timeout", "1s", "--json", "--uri", uri], { DEBUG: "1" }),
      // In the wrong place.
      await runPiped([uri], {}),
      await runPiped(["threads", `--${uri}`], {}),
    ];
    for (const { exitCode, stdout, stderr } of ways) {
      expect([2, 6]).toContain(exitCode);
      expect(stdout + stderr).not.toMatch(/s3c/);
      expect(stderr).not.toBe("");
    }
  });
});

describe.concurrent("how it ends", () => {
  it("with 6 if the server cannot be reached, soon, and names the host", async () => {
    const startMs = performance.now();
    const { exitCode, stderr } = await runPiped(["threads", "--timeout", "1s"], {
      MONGODB_URI: `mongodb://${NOWHERE}/`,
    });
    expect(exitCode).toBe(6);
    expect(stderr).toContain(`Cannot connect to ${NOWHERE}: `);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("quietly if its reader has enough", async () => {
    const saver = database.openSaver();
    await putCheckpoint(
      saver,
      threadConfig("long"),
      makeCheckpoint({ list: ["x".repeat(2_000_000)] }),
    );
    const child = startPiped(["show", "long", "--json"], env);
    child.stdout!.once("data", () => child.stdout!.destroy());
    let stderr = "";
    child.stderr!.on("data", (text) => (stderr += String(text)));
    const [exitCode] = (await once(child, "close")) as [number | null];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});

describe.concurrent("completion", () => {
  it.each(["bash", "zsh", "fish", "powershell"])("prints a script for %s", async (shell) => {
    const { exitCode, stdout } = await runPiped(["completion", shell], {});
    expect(exitCode).toBe(0);
    expect(stdout).toContain("complete");
  });

  it("completes commands, options, global options, and values", async () => {
    const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await runPiped(["complete", "--", ...words], {});
      return stdout.split("\n").map((line) => line.split("\t")[0]!);
    };
    expect(await complete("th")).toContain("threads");
    expect(await complete("")).toEqual(expect.arrayContaining(["verify", "completion", "doctor"]));
    expect(await complete("threads", "--st")).toContain("--status");
    expect(await complete("threads", "--ur")).toContain("--uri");
    expect(await complete("threads", "--status", "")).toContain("interrupted");
    expect(await complete("completion", "z")).toContain("zsh");
  });
});
