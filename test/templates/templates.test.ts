import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { packWorkspace, PUBLISHED, workspace } from "../packaging/pack-workspace.ts";
import type { Manifest } from "../packaging/user-project.ts";
import { startStandInModel } from "./stand-in-model.ts";
import { CopiedTemplate, templateFolder, TEMPLATES, type TemplateName } from "./copied-template.ts";

// Packs, installs from the npm registry and starts processes: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const client = new MongoClient(inject("mongodbUri"));
const databases = {
  "chat-memory": temporaryDatabase(client),
  "migrate-from-official": temporaryDatabase(client),
};
const copies = {} as Record<TemplateName, CopiedTemplate>;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-templates-"));
  const tarballs = Object.values(await packWorkspace(directory));
  await Promise.all(
    TEMPLATES.map(async (name) => {
      const environment = { MONGODB_URI: inject("mongodbUri"), MONGODB_DB: databases[name].name };
      const copy = await CopiedTemplate.create(name, join(directory, name), environment);
      await copy.install(tarballs);
      copies[name] = copy;
    }),
  );
});

afterAll(async () => {
  await Promise.all(TEMPLATES.map((name) => databases[name].drop()));
  await client.close();
  await rm(directory, { recursive: true });
});

/** Long enough to be killed in the middle of what a script says. */
const SLOW = { SCRIPTED_WORD_MS: "300" };
const FAST = { SCRIPTED_WORD_MS: "1" };

/** Without these there is nothing to do. */
const ARGUMENTS = { "chat-memory": [], "migrate-from-official": ["official"] } as const;

describe.concurrent("chat-memory, copied alone and installed with npm", () => {
  const say = (user: string, thread: string, message: string) =>
    copies["chat-memory"].npm(
      ["start", "--silent", "--", "--user", user, "--thread", thread, "--message", message],
      FAST,
    );
  const goOn = (user: string) => copies["chat-memory"].node(["main.ts", "--user", user], FAST);

  it("knows in one conversation what its user told it in another, and nothing of other users", async () => {
    const told = await say("ada", "one", "Hello! My name is Ada. I live in Paris.");
    expect(told).toMatchObject({
      code: 0,
      output: "I see. I will keep that in mind, in this conversation and in others.\n",
      notices: expect.stringContaining(
        "· noted: My name is Ada\n· noted: I live in Paris",
      ) as string,
    });
    const asked = await say("ada", "two", "Where do I live?");
    expect(asked.output).toContain("My name is Ada");
    expect(asked.output).toContain("I live in Paris");
    const other = await say("bob", "one", "Where do I live?");
    expect(other.output).toContain("you have told me nothing about yourself yet");
  });

  it("that is killed in mid-answer answers what it was asked when it is started again", async () => {
    const message = "My name is Grace.";
    const killed = await copies["chat-memory"].nodeKilled(
      ["main.ts", "--user", "grace", "--message", message],
      { text: "I will", ms: 0 },
      SLOW,
    );
    expect(killed.code).toBeNull();
    expect(killed.output).not.toContain("others.");
    const resumed = await goOn("grace");
    expect(resumed.notices).toContain("this conversation was cut off; going on with: answer");
    expect(resumed.output).toBe(
      "I see. I will keep that in mind, in this conversation and in others.\n",
    );
    expect(resumed.notices).toContain("· noted: My name is Grace");
    const asked = await say("grace", "two", "Who am I?");
    expect(asked.output.match(/My name is Grace/g)).toHaveLength(1);
  });

  it("that is killed after its answer does not ask the model for it again", async () => {
    const killed = await copies["chat-memory"].nodeKilled(
      ["main.ts", "--user", "joan", "--message", "My name is Joan and I am an engineer."],
      // The answer is stored by then, and the notes take ten words.
      { text: "others.\n", ms: 1_500 },
      SLOW,
    );
    expect(killed.code).toBeNull();
    expect(killed.notices).not.toContain("noted");
    const resumed = await goOn("joan");
    expect(resumed).toMatchObject({ code: 0, output: "" });
    expect(resumed.notices).toContain("going on with: note");
    expect(resumed.notices).toContain("· noted: My name is Joan and I am an engineer");
  });
});

describe.concurrent("migrate-from-official, copied alone and installed with npm", () => {
  it("begins a report with the official package and finishes it with ours by npm start", async () => {
    const { code, output } = await copies["migrate-from-official"].npm(["start", "--silent"], FAST);
    expect(code).toBe(0);
    expect(headings(output)).toEqual([
      'with official: report "report" begins',
      "1 of 4: Beginnings",
      "2 of 4: How it works",
      "stopped; in the store: section 1, section 2",
      'with threadkeep: report "report" goes on after section 2',
      "3 of 4: What it costs",
      "4 of 4: What comes next",
      "complete; in the store: section 1, section 2, section 3, section 4",
    ]);
  });

  it("that is killed with the official package in mid-section goes on with ours where it was", async () => {
    const thread = ["--thread", "killed"];
    const killed = await copies["migrate-from-official"].nodeKilled(
      ["main.ts", "official", ...thread],
      // The third section is being written, 19 words long.
      { text: "2 of 4", ms: 1_500 },
      { SCRIPTED_WORD_MS: "150" },
    );
    expect(killed.code).toBeNull();
    expect(killed.output).not.toContain("3 of 4");
    const official = await readOfficial();
    expect(official.length).toBeGreaterThan(0);

    const resumed = await copies["migrate-from-official"].node(
      ["main.ts", "threadkeep", ...thread],
      FAST,
    );
    expect(headings(resumed.output)).toEqual([
      'with threadkeep: report "killed" goes on after section 2',
      "3 of 4: What it costs",
      "4 of 4: What comes next",
      "complete; in the store: section 1, section 2, section 3, section 4",
    ]);
    // What the official saver stored is as it was.
    expect(await readOfficial()).toEqual(official);
  });

  it("changes nothing but imports between the two", async () => {
    const [official, ours] = await Promise.all(
      ["official", "threadkeep"].map(async (name) => {
        const path = join(templateFolder("migrate-from-official"), `storage-${name}.ts`);
        const lines = (await readFile(path, "utf8")).split("\n");
        const isImport = (line: string) =>
          /^import \{.*\} from "@(langchain|threadkeep)\//.test(line);
        return { imports: lines.filter(isImport), rest: lines.filter((line) => !isImport(line)) };
      }),
    );
    expect(ours!.rest).toEqual(official!.rest);
    expect(ours!.imports).not.toEqual(official!.imports);
  });

  function headings(output: string): string[] {
    return output.split("\n").filter((line) => /^(with|\d of|stopped|complete)/.test(line));
  }

  function readOfficial() {
    return client
      .db(databases["migrate-from-official"].name)
      .collection("checkpoints")
      .find({ thread_id: "killed" })
      .toArray();
  }
});

describe.each(TEMPLATES)("the template %s", (name) => {
  it("says what to do where no MongoDB can be had", async () => {
    const { code, notices } = await copies[name].node(["main.ts", ...ARGUMENTS[name]], {
      MONGODB_URI: "",
      // Nothing was downloaded, and nothing can be.
      MONGOMS_DOWNLOAD_DIR: join(directory, "no-binaries"),
      MONGOMS_DOWNLOAD_MIRROR: "http://127.0.0.1:9",
      MONGOMS_PREFER_GLOBAL_PATH: "false",
      MONGOMS_MAX_RETRIES: "0",
    });
    expect(code).toBe(1);
    expect(notices).toContain("No MongoDB could be started here:");
    expect(notices).toContain("Set MONGODB_URI");
    expect(notices).toContain("docker run");
  });

  it("asks the model that the environment names", async () => {
    await using model = await startStandInModel("Said by a model.");
    const message = name === "chat-memory" ? ["--message", "Hello"] : [];
    const { code, output } = await copies[name].node(
      ["main.ts", ...ARGUMENTS[name], "--thread", "real", ...message],
      { OPENAI_BASE_URL: model.baseURL, OPENAI_MODEL: "large, small" },
    );
    expect(code).toBe(0);
    expect(output).toContain("Said by a model.");
    expect(model.asked).toEqual(["large", "large"]);
  });

  it("says which Node.js it needs to an older one", async () => {
    const pretend = 'Object.defineProperty(process.versions, "node", { value: "22.17.1" })';
    const old = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
    const refused = await copies[name].node([...old, "check-node.mjs"]);
    expect(refused).toMatchObject({
      code: 1,
      notices: expect.stringContaining("22.18 or later is needed") as string,
    });
    expect(await copies[name].node(["check-node.mjs"])).toMatchObject({ code: 0, notices: "" });
  });

  it("asks for our packages in the version that there is", async () => {
    const manifest = JSON.parse(
      await readFile(join(templateFolder(name), "package.json"), "utf8"),
    ) as Manifest;
    for (const published of PUBLISHED) {
      const path = join(workspace, "packages", published, "package.json");
      const { version } = JSON.parse(await readFile(path, "utf8")) as Manifest;
      expect(manifest.dependencies[`@threadkeep/${published}`]).toBe(`^${version}`);
    }
  });
});

it("what several templates need is the same in each", async () => {
  for (const file of ["check-node.mjs", "find-mongodb.ts", "open-model.ts", "scripted-model.ts"]) {
    const contents = await Promise.all(
      TEMPLATES.map((name) => readFile(join(templateFolder(name), file), "utf8")),
    );
    expect(new Set(contents).size).toBe(1);
  }
});
