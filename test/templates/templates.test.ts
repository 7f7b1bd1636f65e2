import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { packWorkspace, PUBLISHED, workspace } from "../packaging/pack-workspace.ts";
import type { Manifest } from "../packaging/user-project.ts";
import { CopiedTemplate } from "./copied-template.ts";
import { testChatMemory } from "./promises/chat-memory.ts";
import { testDemo } from "./promises/demo.ts";
import { testHumanInTheLoop } from "./promises/human-in-the-loop.ts";
import { testMigrateFromOfficial } from "./promises/migrate-from-official.ts";
import { testQuickstart } from "./promises/quickstart.ts";
import { testResearchAgent } from "./promises/research-agent.ts";
import { testResilientChat } from "./promises/resilient-chat.ts";
import { testStreamingResume } from "./promises/streaming-resume.ts";
import { testTimeTravel } from "./promises/time-travel.ts";
import { testWorkerFleet } from "./promises/worker-fleet.ts";
import { startStandInModel } from "./stand-in-model.ts";
import { templateFolder, TEMPLATES, type TemplateName } from "./template-folder.ts";

// Packs, installs from the npm registry and starts processes: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 600_000 });

const client = new MongoClient(inject("mongodbUri"));
const databases = Object.fromEntries(
  TEMPLATES.map((name) => [name, temporaryDatabase(client)]),
) as Record<TemplateName, ReturnType<typeof temporaryDatabase>>;
const copies = {} as Record<TemplateName, CopiedTemplate>;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-templates-"));
  const tarballs = Object.values(await packWorkspace(directory));
  const installed = new Map<string, CopiedTemplate>();
  // One after the other: npm takes all of a small machine by itself. What several declare is installed once.
  for (const name of TEMPLATES) {
    const environment = { MONGODB_URI: inject("mongodbUri"), MONGODB_DB: databases[name].name };
    const copy = await CopiedTemplate.create(name, join(directory, name), environment);
    copies[name] = copy;
    const { dependencies, devDependencies } = await readManifest(name);
    const declared = JSON.stringify([dependencies, devDependencies]);
    const alike = installed.get(declared);
    if (alike === undefined) await copy.install(tarballs);
    else await copy.installAs(alike);
    installed.set(declared, alike ?? copy);
  }
});

afterAll(async () => {
  await Promise.all(TEMPLATES.map((name) => databases[name].drop()));
  await client.close();
  await rm(directory, { recursive: true });
});

const find = (name: TemplateName) => () => ({
  copy: copies[name],
  db: client.db(databases[name].name),
});

testQuickstart(find("quickstart"));
testChatMemory(find("chat-memory"));
testResilientChat(find("resilient-chat"));
testDemo(find("demo"));
testMigrateFromOfficial(find("migrate-from-official"));
testTimeTravel(find("time-travel"));
testWorkerFleet(find("worker-fleet"));
testHumanInTheLoop(find("human-in-the-loop"));
testStreamingResume(find("streaming-resume"));
testResearchAgent(find("research-agent"));

/** Its nodes ask no model. */
const WITHOUT_MODEL: ReadonlySet<TemplateName> = new Set(["worker-fleet"]);

/** It makes its model itself: that is what it shows. */
const WITH_A_MODEL_OF_ITS_OWN: ReadonlySet<TemplateName> = new Set([
  "resilient-chat",
  "streaming-resume",
  "research-agent",
]);

/** Arguments that have a template ask its model once at least, in a thread of its own. */
const ASKING: Record<TemplateName, readonly string[]> = {
  quickstart: ["real"],
  "chat-memory": ["--thread", "real", "--message", "Hello"],
  "resilient-chat": ["--thread", "real", "--message", "Hello"],
  demo: ["--thread", "real"],
  "migrate-from-official": ["official", "--thread", "real"],
  "time-travel": ["run", "--thread", "real"],
  "worker-fleet": [],
  "human-in-the-loop": ["work", "--once"],
  "streaming-resume": ["--thread", "real"],
  "research-agent": ["--thread", "real"],
};

/** No MongoDB is named, none was downloaded, and none can be. */
const NO_MONGODB = {
  MONGODB_URI: "",
  MONGOMS_DOWNLOAD_DIR: join(tmpdir(), "threadkeep-no-binaries"),
  MONGOMS_DOWNLOAD_MIRROR: "http://127.0.0.1:9",
  MONGOMS_PREFER_GLOBAL_PATH: "false",
  MONGOMS_MAX_RETRIES: "0",
};

// The files that do this are the same in each template.
describe("a template, by the quickstart", () => {
  it("says what to do where no MongoDB can be had", async () => {
    const { code, notices } = await copies.quickstart.node(
      ["main.ts", ...ASKING.quickstart],
      NO_MONGODB,
    );
    expect(code).toBe(1);
    expect(notices).toContain("No MongoDB could be started here:");
    expect(notices).toContain("Set MONGODB_URI");
    expect(notices).toContain("docker run");
  });

  it("says which Node.js it needs to an older one", async () => {
    const pretend = 'Object.defineProperty(process.versions, "node", { value: "22.17.1" })';
    const old = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
    const refused = await copies.quickstart.node([...old, "check-node.mjs"]);
    expect(refused).toMatchObject({
      code: 1,
      notices: expect.stringContaining("22.18 or later is needed") as string,
    });
    expect(await copies.quickstart.node(["check-node.mjs"])).toMatchObject({
      code: 0,
      notices: "",
    });
  });
});

describe.each(TEMPLATES)("the template %s", (name) => {
  it("is right by its own type check", async () => {
    expect(await copies[name].npm(["run", "--silent", "check"])).toMatchObject({
      code: 0,
      output: "",
    });
  });

  it("asks for our packages in the version that there is", async () => {
    const manifest = await readManifest(name);
    for (const published of PUBLISHED) {
      if (published === "resilient-llm" && WITHOUT_MODEL.has(name)) continue;
      const path = join(workspace, "packages", published, "package.json");
      const { version } = JSON.parse(await readFile(path, "utf8")) as Manifest;
      expect(manifest.dependencies[`@threadkeep/${published}`]).toBe(`^${version}`);
    }
  });

  it("says of each of its files what it is for", async () => {
    const readme = await readFile(join(templateFolder(name), "README.md"), "utf8");
    const files = await readdir(templateFolder(name), { recursive: true });
    const sources = files.filter((file) => /\.(ts|mjs)$/.test(file));
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
  });
});

it.each(TEMPLATES.filter((name) => !WITHOUT_MODEL.has(name)))(
  "the template %s asks the model that its .env names",
  async (name) => {
    await using model = await startStandInModel("Said by a model.");
    // It stores what is to be done in one process, and asks in another.
    if (name === "human-in-the-loop") await copies[name].node(["main.ts", "announce", "real", "x"]);
    const path = join(copies[name].directory, ".env");
    await copyFile(`${path}.example`, path);
    const example = await readFile(path, "utf8");
    await writeFile(
      path,
      example
        .replace("# OPENAI_API_KEY=", "OPENAI_API_KEY=sk-of-a-test")
        .replace("# OPENAI_BASE_URL=", `OPENAI_BASE_URL=${model.baseURL}`)
        .replace(/^# OPENAI_MODEL=.*$/m, "OPENAI_MODEL=gpt-4.1-nano, gpt-4.1-mini"),
    );
    try {
      const run = await copies[name].node(["--env-file=.env", "main.ts", ...ASKING[name]]);
      expect(run).toMatchObject({ code: 0 });
      expect(run.output).toContain("Said by a model.");
      const first = name === "quickstart" ? "gpt-4.1-mini" : "gpt-4.1-nano";
      expect(new Set(model.asked)).toEqual(new Set([first]));
    } finally {
      await rm(path);
    }
  },
);

describe("a template that starts a MongoDB of its own", () => {
  it("waits until that of a killed process has given up its files", async () => {
    const copy = copies.quickstart;
    // It stands for the mongod that a killed process has left behind.
    const left = spawn(process.execPath, ["-e", "setTimeout(() => {}, 8_000)"]);
    const dbPath = join(copy.directory, ".mongodb");
    await mkdir(dbPath, { recursive: true });
    await writeFile(join(dbPath, "mongod.lock"), `${left.pid}\n`);
    const { notices } = await copy.node(["main.ts"], NO_MONGODB);
    expect(left.exitCode).toBe(0);
    expect(notices).toContain("No MongoDB could be started here:");
  });
});

describe("the sample of the root README", () => {
  it("is right by its types, runs, and continues by its thread id", async () => {
    await using model = await startStandInModel("Said by a model.");
    const copy = copies.quickstart;
    const readme = await readFile(join(workspace, "README.md"), "utf8");
    const sample = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
    const dbName = JSON.stringify(databases.quickstart.name);
    await writeFile(join(copy.directory, "sample.ts"), sample.replace('"agents"', dbName));
    expect(await copy.npm(["run", "--silent", "check"])).toMatchObject({ code: 0, output: "" });
    const environment = { OPENAI_API_KEY: "sk-of-a-test", OPENAI_BASE_URL: model.baseURL };
    const run = await copy.node(["sample.ts"], environment);
    expect(run).toMatchObject({ code: 0 });
    expect(run.output).toContain("Said by a model.");
    const asked = model.asked.length;
    expect(asked).toBeGreaterThan(0);
    expect((await copy.node(["sample.ts"], environment)).code).toBe(0);
    expect(model.asked).toHaveLength(asked);
  });
});

it("what several templates need is the same in each", async () => {
  const files = ["check-node.mjs", "find-mongodb.ts", "tsconfig.json", ".gitignore"];
  await expectSame(files, TEMPLATES);
  const scripted = TEMPLATES.filter((name) => name !== "quickstart" && !WITHOUT_MODEL.has(name));
  await expectSame(["scripted-model.ts"], scripted);
  const opening = scripted.filter((name) => !WITH_A_MODEL_OF_ITS_OWN.has(name));
  await expectSame(["open-model.ts"], opening);
});

async function readManifest(name: TemplateName): Promise<Manifest> {
  const text = await readFile(join(templateFolder(name), "package.json"), "utf8");
  return JSON.parse(text) as Manifest;
}

async function expectSame(files: string[], templates: readonly TemplateName[]): Promise<void> {
  for (const file of files) {
    const contents = await Promise.all(
      templates.map((name) => readFile(join(templateFolder(name), file), "utf8")),
    );
    expect([file, new Set(contents).size]).toEqual([file, 1]);
  }
}
