import zlib from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { unsupportedRuntime } from "../../errors/unsupported-runtime.ts";
import { checkRuntime, checkZstd } from "./check-runtime.ts";

describe("a runtime", () => {
  it("that packs and unpacks as others do is taken", () => {
    expect(() => checkRuntime()).not.toThrow();
    expect(() => checkZstd(zlib)).not.toThrow();
  });

  it.each([
    ["unpacks something else", { zstdDecompressSync: () => Buffer.alloc(0) }],
    ["packs something else", { zstdCompressSync: () => zlib.zstdCompressSync("else") }],
    [
      "throws",
      {
        zstdDecompressSync: () => {
          throw new Error("not implemented");
        },
      },
    ],
  ])("whose zstd %s is refused", (_what, changed) => {
    const zstd = {
      zstdCompressSync: zlib.zstdCompressSync,
      zstdDecompressSync: zlib.zstdDecompressSync,
      ...changed,
    };
    expect(() => checkZstd(zstd)).toThrow(/which does not give back what zstd has packed/);
  });

  it.each([
    [{}, "UNSUPPORTED_NODE", `this is ${process.version}, which fails.`],
    [{ bun: "1.0.0" }, "UNSUPPORTED_RUNTIME", "this is Bun 1.0.0, which fails."],
    [{ deno: "2.0.0" }, "UNSUPPORTED_RUNTIME", "this is Deno 2.0.0, which fails."],
  ])("that is refused is called by its name: %j", (versions, code, text) => {
    const { versions: own } = process;
    Object.defineProperty(process, "versions", { value: { ...own, ...versions } });
    onTestFinished(() => {
      Object.defineProperty(process, "versions", { value: own });
    });
    const error = unsupportedRuntime("fails");
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) as string });
  });
});
