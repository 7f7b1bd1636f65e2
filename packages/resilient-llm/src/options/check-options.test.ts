import { describe, expect, it } from "vitest";
import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "./check-options.ts";

const schema = z.strictObject({
  name: z.string().min(1).optional(),
  retries: z.number().int().nonnegative().default(3),
  mode: z.enum(["error", "restart"]).optional(),
  ratio: z.number().gt(0).lt(1).optional(),
  url: z.url().optional(),
  isOn: z.boolean().optional(),
  code: z
    .string()
    .min(3)
    .regex(/^[a-z]+$/, "expected lower-case letters")
    .optional(),
  waitMs: z.union([z.number().positive(), z.literal(Infinity)]).optional(),
  models: z
    .array(z.union([z.string(), z.strictObject({ model: z.string(), url: z.url().optional() })]))
    .min(1)
    .optional(),
  nested: z.strictObject({ deep: z.strictObject({ count: z.number().optional() }) }).optional(),
  old: z.undefined({ error: "nothing here, because retries takes its place" }).optional(),
  keys: z
    .strictObject({ key: z.string().optional(), byId: z.record(z.string(), z.string().min(4)) })
    .optional(),
});

function messageFor(options: unknown): string {
  try {
    checkOptions("Thing", schema, options, { secretGroups: ["keys"] });
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    return error.message;
  }
  throw new Error("The options were accepted");
}

it("fills in defaults", () => {
  expect(checkOptions("Thing", schema, {})).toEqual({ retries: 3 });
});

describe("options that are none", () => {
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["mongodb://user:password@host", "a string of 28 characters"],
    [7, "7"],
    [[1, 2], "an array of 2"],
    [() => 1, "a function"],
  ])("%s is answered by what it is", (options, got) => {
    expect(messageFor(options)).toBe(
      `Invalid options of Thing:\n  options: expected an object, got ${got}`,
    );
  });
});

describe("one wrong option", () => {
  it.each<[object, string]>([
    [{ name: 5 }, "name: expected a string, got 5"],
    [{ name: "" }, "name: expected a string that is not empty, got an empty string"],
    [{ name: Symbol("x") }, "name: expected a string, got a symbol"],
    [{ retries: "3" }, "retries: expected a number, got a string of 1 character"],
    [{ retries: Number.NaN }, "retries: expected a finite number, got NaN"],
    [{ retries: Infinity }, "retries: expected a finite number, got Infinity"],
    [{ retries: 1.5 }, "retries: expected a whole number, got 1.5"],
    [{ retries: -1 }, "retries: expected at least 0, got -1"],
    [{ retries: 3n }, "retries: expected a number, got a bigint"],
    [{ ratio: 0 }, "ratio: expected above 0, got 0"],
    [{ ratio: 1 }, "ratio: expected below 1, got 1"],
    [
      { mode: "restrat" },
      'mode: expected "error" or "restart", got a string of 7 characters; did you mean "restart"?',
    ],
    [{ mode: "other" }, 'mode: expected "error" or "restart", got a string of 5 characters'],
    [{ url: "localhost" }, "url: expected a URL, got a string of 9 characters"],
    [{ isOn: "yes" }, "isOn: expected true or false, got a string of 3 characters"],
    [{ waitMs: "5" }, "waitMs: expected a number or Infinity, got a string of 1 character"],
    [{ models: [] }, "models: expected at least one element, got an array of 0"],
    [{ models: {} }, "models: expected an array, got an object"],
    [{ models: Promise.resolve([]) }, "models: expected an array, got an object of class Promise"],
    [{ models: ["a", 5] }, "models[1]: expected a string or an object, got 5"],
    [{ models: [{}] }, "models[0].model: expected a string, got undefined"],
    [
      { models: [{ model: "a", url: "x" }] },
      "models[0].url: expected a URL, got a string of 1 character",
    ],
    [{ models: [{ model: "a", urls: "x" }] }, "models[0].urls: unknown option; did you mean url?"],
    [{ nested: null }, "nested: expected an object, got null"],
    [{ nested: { deep: { cuont: 1 } } }, "nested.deep.cuont: unknown option; did you mean count?"],
    [{ deep: 1 }, "deep: unknown option; did you mean nested.deep?"],
    [{ old: 1 }, "old: expected nothing here, because retries takes its place, got 1"],
    [
      { code: "A" },
      "code: expected at least 3 characters and lower-case letters, got a string of 1 character",
    ],
    [{ retires: 1 }, "retires: unknown option; did you mean retries?"],
    [
      { temperature: 1 },
      "temperature: unknown option; known are name, retries, mode, ratio, url, isOn, code, " +
        "waitMs, models, nested, keys",
    ],
  ])("%o", (options, line) => {
    expect(messageFor(options)).toBe(`Invalid options of Thing:\n  ${line}`);
  });
});

it("every problem is told at once, one a line", () => {
  const message = messageFor({
    name: 1,
    retires: 1,
    nested: { deep: { count: "x" }, depp: 1 },
    models: [1, { modle: "a" }],
  });
  expect(message.split("\n")).toEqual([
    "Invalid options of Thing:",
    "  name: expected a string, got 1",
    "  models[0]: expected a string or an object, got 1",
    "  models[1].model: expected a string, got undefined",
    "  models[1].modle: unknown option; did you mean model?",
    "  nested.deep.count: expected a number, got a string of 1 character",
    "  nested.depp: unknown option; did you mean deep?",
    "  retires: unknown option; did you mean retries?",
  ]);
});

describe("a secret in the wrong place is not shown", () => {
  it.each<[object, string]>([
    [{ name: { s3cr3t: 1 } }, "name: expected a string, got an object"],
    [{ "s3cr3t-key": 1 }, "options: an unknown option, whose name is not shown"],
    [{ keys: { secretword: "x", byId: {} } }, "keys: an unknown option, whose name is not shown"],
    [{ keys: { byId: { secretword: "abc" } } }, "keys.byId: expected at least 4 characters, got a"],
  ])("%o", (options, start) => {
    const message = messageFor(options);
    expect(message).toContain(`\n  ${start}`);
    expect(message).not.toMatch(/s3cr3t|secretword/);
  });

  it("though a misspelt name among secrets is told", () => {
    expect(messageFor({ keys: { kye: "x", byId: {} } })).toContain(
      "keys.kye: unknown option; did you mean key?",
    );
  });
});
