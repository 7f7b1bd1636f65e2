import { z } from "zod";
import type { SimulatedFaultKind } from "../failure/simulated-fault-kind.ts";
import type { SimulatedFault } from "./simulated-faults.ts";
import { delayMs, shownName } from "./value-schemas.ts";

/** The kinds, each with the options that only some have. */
const OWN_OPTIONS: Readonly<Record<SimulatedFaultKind, readonly (keyof SimulatedFault)[]>> = {
  "rate-limited": ["retryAfterMs"],
  "quota-exhausted": [],
  "server-error": ["status"],
  authentication: [],
  "not-found": [],
  "context-length": [],
  "content-filter": [],
  connection: [],
  "invalid-response": [],
  "broken-json": [],
  "empty-answer": [],
  "wrong-schema": [],
  slow: ["delayMs"],
  stall: ["afterShare"],
  cut: ["afterShare"],
};

const KINDS = Object.keys(OWN_OPTIONS) as SimulatedFaultKind[];

const fault = z
  .strictObject({
    kind: z.enum(KINDS),
    rate: z.number().min(0).max(1),
    models: z.array(shownName).min(1).optional(),
    status: z.number().int().min(500).max(599).optional(),
    retryAfterMs: delayMs.optional(),
    delayMs: delayMs.optional(),
    afterShare: z.number().min(0).lt(1).optional(),
  })
  .superRefine((given, context) => {
    for (const name of ["status", "retryAfterMs", "delayMs", "afterShare"] as const) {
      if (given[name] === undefined || OWN_OPTIONS[given.kind].includes(name)) continue;
      const message = `nothing for the kind ${JSON.stringify(given.kind)}, which has no ${name}`;
      context.addIssue({ code: "custom", path: [name], message });
    }
  });

const faults = z.array(fault).min(1);

const settings = z.strictObject({
  faults,
  seed: z.number().int().optional(),
  force: z.boolean().default(false),
});

/** Simulated faults with every default filled in. */
export interface ResolvedFaults {
  readonly faults: readonly SimulatedFault[];
  readonly seed?: number | undefined;
  readonly force: boolean;
}

/** The option `simulateFaults`: a list of faults alone, or with what holds for all of them. */
export const simulatedFaults: z.ZodType<ResolvedFaults> = z
  .union([faults.transform((list) => ({ faults: list, force: false })), settings])
  .superRefine(({ force }, context) => {
    if (process.env["NODE_ENV"] !== "production" || force) return;
    const message = 'nothing while NODE_ENV is "production", unless simulateFaults.force is true';
    context.addIssue({ code: "custom", message });
  });
