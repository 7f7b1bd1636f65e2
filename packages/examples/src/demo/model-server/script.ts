import { identifySpeaker, messageText } from "../../shared/model-server/chat-protocol.ts";
import type { Script, ScriptedReply } from "../../shared/model-server/script.ts";

/** What the incident agent's scripted model says. */
export const incidentScript: Script = (messages) => {
  const { role, turn } = identifySpeaker(messages);
  const task = messages
    .filter((message) => message.role === "user")
    .map(messageText)
    .join("\n");
  switch (`${role}/${turn}`) {
    case "triage engineer/1":
      return {
        kind: "tool-call",
        name: "open_incident",
        args: {
          service: "checkout-api",
          severity: "SEV1",
          title: "Checkout is slow and fails for 7 % of customers",
        },
      };
    case "metrics analyst/1":
      return text(
        "Latency and errors climb from 14:03 on while traffic stays flat, so load is not the cause.",
      );
    case "logs analyst/1":
      return text(
        "Requests time out waiting for a database connection: all 50 of the pool are in use since 14:03.",
      );
    case "deployments analyst/1":
      return text(
        "Release v342 of checkout-api, which prices carts item by item, went live at 14:03.",
      );
    case "database analyst/1":
      return text(
        "Price lookups went from one per request to 23, each still fast: an N+1 query, not a slow database.",
      );
    case "incident commander/1":
      return text(
        `Release v342 prices carts one item at a time; its N+1 queries exhaust the connection pool. ` +
          `${findingsIn(task).length} findings fit: ${findingsIn(task).join(", ")}.`,
      );
    case "remediation engineer/1":
      return {
        kind: "tool-call",
        name: "roll_back",
        args: { service: "checkout-api", release: "v341" },
      };
    case "remediation engineer/2":
      return { kind: "tool-call", name: "check_recovery", args: { service: "checkout-api" } };
    case "remediation engineer/3":
      return text(
        "Rolled checkout-api back to v341; p99 is at 320 ms and errors at 0.1 %, so it has recovered.",
      );
    case "report writer/1":
      return text(
        [
          `${factIn(task, "Incident")}: checkout slow for six minutes`,
          "Impact     p99 of 4.8 s, 7.2 % of checkouts failed",
          `Cause      ${factIn(task, "Cause")}`,
          `Remedy     ${factIn(task, "Remedy")}`,
          "Follow-up  price carts in one query; alert on connection pool waits",
        ].join("\n"),
      );
    default:
      return undefined;
  }
};

function text(words: string): ScriptedReply {
  return { kind: "text", text: words };
}

/** Sources of the findings listed as "- source: text". */
function findingsIn(task: string): string[] {
  return [...task.matchAll(/^- (\w+): /gm)].map(([, source]) => source ?? "");
}

function factIn(task: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, "m").exec(task)?.[1] ?? `(${name.toLowerCase()} not given)`;
}
