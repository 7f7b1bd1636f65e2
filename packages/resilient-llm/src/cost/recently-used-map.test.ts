import { expect, it } from "vitest";
import { RecentlyUsedMap } from "./recently-used-map.ts";

it("forgets the entry not written for longest, and only that one", () => {
  const map = new RecentlyUsedMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
  expect(map.get("b")).toBeUndefined();
});
