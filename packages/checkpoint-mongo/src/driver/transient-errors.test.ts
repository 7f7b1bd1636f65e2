import {
  MongoBulkWriteError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";
import { describe, expect, it } from "vitest";
import { isTransient } from "./transient-errors.ts";

const serverError = (code: number): MongoServerError =>
  new MongoServerError({ message: "no", code });

/** A bulk write that failed for these of its writes. */
const bulkError = (...codes: number[]): MongoBulkWriteError =>
  Object.assign(new MongoBulkWriteError({ message: "no", code: codes[0]! }, undefined as never), {
    writeErrors: codes.map((code, index) => ({ code, index })),
  });

describe("what fails for a reason that passes", () => {
  it.each<[string, unknown]>([
    ["a lost connection", new MongoNetworkError("connection 1 closed")],
    ["a lost connection in a bulk write", wrap(new MongoNetworkError("connection 1 closed"))],
    ["an error of another copy of the driver", { name: "MongoNetworkTimeoutError" }],
    ["a socket that breaks", Object.assign(new Error("write"), { code: "ECONNRESET" })],
    ["no primary", new MongoServerSelectionError("no primary", { error: null } as never)],
    ["a server that shuts down", serverError(91)],
    ["a write conflict", serverError(112)],
    ["a write conflict in a bulk write", bulkError(112)],
    ["an exceeded time limit", serverError(262)],
  ])("is %s", (_, error) => {
    expect(isTransient(error)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["a duplicate key", serverError(11_000)],
    ["a duplicate key in a bulk write beside what passes", bulkError(112, 11_000)],
    ["a missing privilege", serverError(13)],
    ["a closed client", new MongoNotConnectedError("closed")],
    ["what is not the driver's", Object.assign(new Error("mine"), { code: 91 })],
    ["nothing", undefined],
  ])("is not %s", (_, error) => {
    expect(isTransient(error)).toBe(false);
  });
});

function wrap(error: Error): MongoBulkWriteError {
  return new MongoBulkWriteError(error, undefined as never);
}
