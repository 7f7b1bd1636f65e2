import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { END, Send, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import type { Company } from "../company/company.ts";
import {
  analystPrompt,
  commanderPrompt,
  REMEDIATION_PROMPT,
  remediationTask,
  reportPrompt,
  triagePrompt,
} from "./prompts.ts";
import { IncidentState, type Evidence } from "./state.ts";
import { createOpenIncidentTool, createRemediationTools } from "./tools.ts";

type State = typeof IncidentState.State;

/** A chat model that can be given tools. */
type ToolCallingModel = BaseChatModel & Required<Pick<BaseChatModel, "bindTools">>;

/** What the incident agent works with. */
export interface IncidentAgentParts {
  model: ToolCallingModel;
  /** The systems it reads from and acts on. */
  company: Company;
  checkpointer: BaseCheckpointSaver;
}

/**
 * An agent that takes a page at night. It opens an incident, has the evidence analysed in parallel,
 * finds the root cause, repairs it and publishes a report.
 *
 * ```
 * triage ─▶ open_incident ─▶ collect ─┬▶ analyse ─┬▶ correlate ─▶ announce ─┐
 *                                     ├▶ analyse ─┤                         │
 *                                     └▶ …       ─┘                         │
 *              ┌────────────────────────────────────────────────────────────┘
 *              └▶ remediate (an agent of its own) ─▶ write_report ─▶ publish
 * ```
 *
 * Each task makes one model call at most. A crash undoes the tasks that are running, so it costs one
 * call at most for each of them.
 */
export function buildIncidentAgent({ model, company, checkpointer }: IncidentAgentParts) {
  const openIncident = createOpenIncidentTool(company);
  const triageModel = model.bindTools([openIncident], { tool_choice: "open_incident" });
  const openIncidentNode = new ToolNode<State>([openIncident]);
  const remediator = createAgent({
    model,
    tools: createRemediationTools(company),
    systemPrompt: REMEDIATION_PROMPT,
  });

  return new StateGraph(IncidentState)
    .addNode("triage", async ({ alert }) => ({
      messages: [await triageModel.invoke(triagePrompt(alert))],
    }))
    .addNode("open_incident", (state, config) => openIncidentNode.invoke(state, config))
    .addNode("collect", async () => ({ evidence: await company.collectEvidence() }))
    .addNode("analyse", async (evidence: Evidence) => {
      const { text } = await model.invoke(analystPrompt(evidence));
      return { findings: [{ source: evidence.source, text }] };
    })
    .addNode("correlate", async ({ alert, findings }) => {
      const { text } = await model.invoke(commanderPrompt(alert, findings));
      return { cause: text };
    })
    .addNode("announce", async (state, config) => ({
      announcement: await company.act(
        "post_update",
        { incident: incidentNumber(state), text: `Cause found: ${state.cause}` },
        stepKey(config, "announce"),
      ),
    }))
    .addNode(
      "remediate",
      async ({ cause }: State, config) => {
        const { messages } = await remediator.invoke(
          { messages: [{ role: "user", content: remediationTask(cause) }] },
          config,
        );
        return { remedy: messages.at(-1)?.text ?? "" };
      },
      { subgraphs: [remediator.graph] },
    )
    .addNode("write_report", async (state) => {
      const { text } = await model.invoke(
        reportPrompt({ ...state, incident: incidentNumber(state) }),
      );
      return { report: text };
    })
    .addNode("publish", async (state, config) => ({
      publication: await company.act(
        "publish_report",
        { incident: incidentNumber(state), text: state.report },
        stepKey(config, "publish"),
      ),
    }))
    .addEdge(START, "triage")
    .addConditionalEdges("triage", opensIncident, ["open_incident", "collect"])
    .addEdge("open_incident", "collect")
    .addConditionalEdges(
      "collect",
      ({ evidence }) => evidence.map((piece) => new Send("analyse", piece)),
      ["analyse"],
    )
    .addEdge("analyse", "correlate")
    .addEdge("correlate", "announce")
    .addEdge("announce", "remediate")
    .addEdge("remediate", "write_report")
    .addEdge("write_report", "publish")
    .addEdge("publish", END)
    .compile({ checkpointer, name: "incident-agent" });
}

/** Not every model obeys `tool_choice`. Without an incident the work continues too. */
function opensIncident({ messages }: State): "open_incident" | "collect" {
  const answer = messages.at(-1) as AIMessage | undefined;
  return answer?.tool_calls?.length ? "open_incident" : "collect";
}

function incidentNumber({ messages }: State): string {
  return messages.findLast((message) => message.type === "tool")?.text ?? "(no incident opened)";
}

/** The key of what a node does by itself, without a tool call. */
function stepKey(config: RunnableConfig, node: string): string {
  return `${config.configurable?.["thread_id"]}/${node}`;
}
