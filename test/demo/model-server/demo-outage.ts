import type { OutagePlan } from "./outage.ts";

/**
 * The demo's outage. The first model is down for three requests and asks for a pause of two minutes. No
 * call waits that long, so the second model answers. A new process knows nothing of an outage and asks
 * the first model again. The eighth request, at the end of the run, has to wait a moment.
 */
export const DEMO_OUTAGE: OutagePlan = {
  model: "scripted-large",
  refusals: [
    { from: 1, to: 3, status: 503, pauseMs: 120_000 },
    { from: 8, to: 8, status: 429, pauseMs: 400 },
  ],
};
