import { describe, expect, it, vi } from "vitest";
import { OncePerClient } from "./once-per-client.ts";
import { PerClient } from "./per-client.ts";

describe("what exists once for a client and a key", () => {
  it("is made where there is none yet, for each client and each key", () => {
    const things = new PerClient<object>();
    const [one, other] = [{}, {}];
    const thing = things.get(one, "a", () => ({}));
    expect(things.get(one, "a", () => ({}))).toBe(thing);
    expect(things.get(one, "b", () => ({}))).not.toBe(thing);
    expect(things.get(other, "a", () => ({}))).not.toBe(thing);
    expect(things.get(new Proxy(one, {}), "a", () => ({}))).not.toBe(thing);
  });

  it("is made again after it was forgotten, unless another one was made meanwhile", () => {
    const things = new PerClient<object>();
    const client = {};
    const first = things.get(client, "a", () => ({}));
    things.forget(client, "a");
    const second = things.get(client, "a", () => ({}));
    expect(second).not.toBe(first);
    things.forget(client, "a", first);
    things.forget({}, "a");
    expect(things.get(client, "a", () => ({}))).toBe(second);
  });
});

describe("work that is done once for a client and a key", () => {
  it("is waited for by all who come while it is under way, and done for those who come later", async () => {
    const works = new OncePerClient<string>();
    const client = {};
    const work = vi.fn<() => Promise<string>>().mockResolvedValue("done");
    const together = Array.from({ length: 5 }, () => works.do(client, "a", work));
    expect(await Promise.all(together)).toEqual(Array(5).fill("done"));
    expect(await works.do(client, "a", work)).toBe("done");
    expect(work).toHaveBeenCalledOnce();
  });

  it("is done again by the next one where it failed", async () => {
    const works = new OncePerClient<string>();
    const client = {};
    const work = vi.fn<() => Promise<string>>().mockResolvedValue("done");
    work.mockRejectedValueOnce(new Error("no server"));
    const failing = [works.do(client, "a", work), works.do(client, "a", work)];
    for (const outcome of failing) await expect(outcome).rejects.toThrow("no server");
    expect(await works.do(client, "a", work)).toBe("done");
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("stays done if earlier work, which was forgotten meanwhile, fails after it", async () => {
    const works = new OncePerClient<string>();
    const client = {};
    const { promise, reject } = Promise.withResolvers<string>();
    const early = works.do(client, "a", () => promise);
    works.forget(client, "a");
    await works.do(client, "a", () => Promise.resolve("done"));
    reject(new Error("late"));
    await expect(early).rejects.toThrow("late");
    const work = vi.fn<() => Promise<string>>();
    expect(await works.do(client, "a", work)).toBe("done");
    expect(work).not.toHaveBeenCalled();
  });
});
