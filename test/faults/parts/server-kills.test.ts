import { expect, it } from "vitest";
import { runShort } from "./run-short.ts";

it("a server that is ended by SIGKILL comes back with all that was acknowledged, and callers get typed errors at most", async () => {
  const { faults } = await runShort("server-kills", { durationMs: 150_000, faults: 2 });
  expect(faults["SIGKILL of the server"]).toBe(2);
}, 400_000);
