import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RememberedFailure } from "./downloaded-mongod.ts";

const HOUR_MS = 60 * 60_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-remembered-test-"));
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

it("holds for as long as it is valid, in every process, and not a moment longer", async () => {
  const path = join(directory, "not/yet/there");
  const failure = new RememberedFailure(path, HOUR_MS);
  expect(await failure.recall()).toBeUndefined();

  await failure.remember("no route\nto host");
  vi.advanceTimersByTime(HOUR_MS);
  const elsewhere = new RememberedFailure(path, HOUR_MS);
  expect(await elsewhere.recall()).toEqual({ reason: "no route\nto host", minutesAgo: 60 });

  vi.advanceTimersByTime(1);
  expect(await elsewhere.recall()).toBeUndefined();
});

it("does not count when the clock was set back since", async () => {
  const failure = new RememberedFailure(join(directory, "failure"), HOUR_MS);
  await failure.remember("no route to host");
  vi.setSystemTime(Date.now() - 1000);
  expect(await failure.recall()).toBeUndefined();
});

it("is gone once forgotten", async () => {
  const failure = new RememberedFailure(join(directory, "failure"), HOUR_MS);
  await failure.remember("no route to host");
  await failure.forget();
  expect(await failure.recall()).toBeUndefined();
});
