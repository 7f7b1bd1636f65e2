import { describe, expect, it } from "vitest";
import { PART_NAMES } from "../parts/index.ts";
import { parseFaults } from "./parse-faults.ts";

describe("the arguments of pnpm faults", () => {
  it("run every part without any, with a seed that can be given again", () => {
    const { seed, parts } = parseFaults([]);
    expect(parts).toEqual(PART_NAMES);
    expect(parseFaults(["--seed", String(seed)]).seed).toBe(seed);
  });

  it("say how long, and which parts", () => {
    const args = ["--minutes", "0.5", "--only", "races", "--only", "kills"];
    expect(parseFaults(args)).toMatchObject({ minutes: 0.5, parts: ["races", "kills"] });
  });

  it.each([
    [["--seed", "one"], /^--seed is "one"; it has to be a whole number/],
    [["--seed", ""], /^--seed is ""/],
    [["--minutes", "0"], /^--minutes is "0"; it has to be a number of more than 0/],
    [["--only", "fire"], /^--only is "fire"; it has to be one of kills, server-kills/],
    [["kills"], /kills/],
  ])("refuse %j, saying what it takes", (args, message) => {
    expect(() => parseFaults(args)).toThrow(message);
  });
});
