import { compareWritesSortKeys, writesSortKey } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrangeWrites, compareWrites, mergeWrites } from "./pending-writes.ts";

/** Few letters, so that many begin alike; some beyond the BMP, which UTF-16 sorts elsewhere. */
const text = fc.string({
  unit: fc.constantFrom("~", ",", "1", "a", "Z", "é", "\uE000", "😀", "𝄞"),
});
const key = fc.record({ taskPath: text, taskId: text, index: fc.integer({ min: -4, max: 9 }) });

describe("the order of pending writes", () => {
  it("is that of code points in path and task, then of the index, as Python has it", () => {
    const codePoints = (value: string) => Array.from(value, (unit) => unit.codePointAt(0)!);
    const compareLists = (a: readonly number[], b: readonly number[]) => {
      const index = a.findIndex((unit, place) => unit !== b[place]);
      if (index === -1) return a.length - b.length;
      return index < b.length ? a[index]! - b[index]! : 1;
    };
    fc.assert(
      fc.property(key, key, (a, b) => {
        const expected =
          compareLists(codePoints(a.taskPath), codePoints(b.taskPath)) ||
          compareLists(codePoints(a.taskId), codePoints(b.taskId)) ||
          a.index - b.index;
        expect(Math.sign(compareWrites(a, b))).toBe(Math.sign(expected));
      }),
    );
  });

  it("is that of the checkpoint package", () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [keyOfA, keyOfB] = [a, b].map(({ taskPath, taskId, index }) =>
          writesSortKey(taskPath, taskId, index),
        );
        const expected = compareWritesSortKeys(keyOfA!, keyOfB!);
        expect(Math.sign(compareWrites(a, b))).toBe(Math.sign(expected));
      }),
    );
  });

  it("puts writes without a path first, and of a task those to special channels", () => {
    const write = (taskPath: string, taskId: string, index: number) => ({
      taskPath,
      taskId,
      index,
      channel: `${taskId}${index}`,
      value: index,
    });
    const arranged = arrangeWrites([
      write("~b", "x", 0),
      write("~a", "y", 1),
      write("~a", "y", 0),
      write("~a", "y", -1),
      write("", "z", 0),
    ]);
    expect(arranged.map(([, channel]) => channel)).toEqual(["z0", "y-1", "y0", "y1", "x0"]);
  });
});

describe("writes of one task from two places", () => {
  const write = (index: number, value: string) => ({
    taskPath: "",
    taskId: "task",
    index,
    channel: "a",
    value,
  });

  it("are one where they have the same position: the earlier ordinary, the later special one", () => {
    const merged = mergeWrites(
      [write(0, "first"), write(-1, "first")],
      [write(0, "second"), write(-1, "second"), write(1, "more")],
    );
    expect(arrangeWrites(merged).map(([, , value]) => value)).toEqual(["second", "first", "more"]);
  });

  it("are there once where the later ones repeat the earlier ones in other positions", () => {
    const merged = mergeWrites(
      [write(0, "first"), write(1, "second")],
      [write(1, "first"), write(2, "second"), write(3, "more")],
    );
    expect(arrangeWrites(merged).map(([, , value]) => value)).toEqual(["first", "second", "more"]);
  });
});
