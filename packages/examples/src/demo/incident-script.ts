import type { BaseMessage } from "@langchain/core/messages";
import type { Reply } from "./scripted-model.ts";

/** What the incident agent's scripted model says. */
export function incidentScript(messages: readonly BaseMessage[]): Reply {
  const role = roleOf(messages);
  const turn = 1 + messages.filter((message) => message.type === "ai").length;
  const task = messages
    .filter((message) => message.type === "human")
    .map((message) => message.text)
    .join("\n");
  switch (`${role}/${turn}`) {
    case "triage engineer/1":
      return {
        tool: "open_incident",
        args: {
          service: "checkout-api",
          severity: "SEV1",
          title: "Checkout is slow and fails for 7 % of customers",
        },
      };
    case "metrics analyst/1":
      return "Latency and errors climb from 14:03 on while traffic stays flat, so load is not the cause.";
    case "logs analyst/1":
      return "Requests time out waiting for a database connection: all 50 of the pool are in use since 14:03.";
    case "deployments analyst/1":
      return "Release v342 of checkout-api, which prices carts item by item, went live at 14:03.";
    case "database analyst/1":
      return "Price lookups went from one per request to 23, each still fast: an N+1 query, not a slow database.";
    case "incident commander/1":
      return (
        `Release v342 prices carts one item at a time; its N+1 queries exhaust the connection pool. ` +
        `${findingsIn(task).length} findings fit: ${findingsIn(task).join(", ")}.`
      );
    case "remediation engineer/1":
      return { tool: "roll_back", args: { service: "checkout-api", release: "v341" } };
    case "remediation engineer/2":
      return { tool: "check_recovery", args: { service: "checkout-api" } };
    case "remediation engineer/3":
      return "Rolled checkout-api back to v341; p99 is at 320 ms and errors at 0.1 %, so it has recovered.";
    case "report writer/1":
      return [
        `${factIn(task, "Incident")}: checkout slow for six minutes`,
        "Impact     p99 of 4.8 s, 7.2 % of checkouts failed",
        `Cause      ${factIn(task, "Cause")}`,
        `Remedy     ${factIn(task, "Remedy")}`,
        "Follow-up  price carts in one query; alert on connection pool waits",
      ].join("\n");
    default:
      throw new Error(`The script has no reply to turn ${turn} of the ${role}.`);
  }
}

/** From the system prompt's opening, "You are the ROLE."; `unknown` without it. */
function roleOf(messages: readonly BaseMessage[]): string {
  const system = messages.find((message) => message.type === "system");
  return /^You are the (.+?)\./.exec(system?.text ?? "")?.[1] ?? "unknown";
}

/** Sources of the findings listed as "- source: text". */
function findingsIn(task: string): string[] {
  return [...task.matchAll(/^- (\w+): /gm)].map(([, source]) => source ?? "");
}

function factIn(task: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, "m").exec(task)?.[1] ?? `(${name.toLowerCase()} not given)`;
}
