import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import type { Company } from "../company/company.ts";

/** What LangGraph's tool nodes hand to a tool beside its arguments. */
type ToolRun = RunnableConfig & { toolCallId: string };

/**
 * The key of a tool call. It is the same in every process that repeats the call, so the company can
 * tell a repetition from a second order.
 */
function actionKey(run: ToolRun): string {
  return `${run.configurable?.["thread_id"]}/${run.toolCallId}`;
}

/** `open_incident`: the triage engineer's one tool. */
export function createOpenIncidentTool(company: Company) {
  return tool((args, run: ToolRun) => company.act("open_incident", args, actionKey(run)), {
    name: "open_incident",
    description: "Opens an incident and pages the people on call. Returns the incident's number.",
    schema: z.object({
      service: z.string().describe("the service that is in trouble"),
      severity: z.enum(["SEV1", "SEV2", "SEV3"]),
      title: z.string().describe("one line that says what customers notice"),
    }),
  });
}

/** `roll_back` and `check_recovery`: what the remediation engineer can do. */
export function createRemediationTools(company: Company) {
  return [
    tool((args, run: ToolRun) => company.act("roll_back", args, actionKey(run)), {
      name: "roll_back",
      description: "Rolls a service back to an earlier release. Customers notice: do it once.",
      schema: z.object({ service: z.string(), release: z.string().describe("for instance v12") }),
    }),
    tool((args, run: ToolRun) => company.act("check_recovery", args, actionKey(run)), {
      name: "check_recovery",
      description: "Measures a service for a minute and says whether it meets its objectives.",
      schema: z.object({ service: z.string() }),
    }),
  ];
}
