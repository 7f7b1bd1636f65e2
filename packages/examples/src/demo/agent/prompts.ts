import { HumanMessage, SystemMessage, type BaseMessage } from "@langchain/core/messages";
import type { Evidence, Finding } from "./state.ts";

/** The page that starts every run. */
export const ALERT =
  "PAGE 14:09 UTC: checkout-api p99 latency 4.8 s (objective 800 ms), error rate 7.2 %, rising for 5 minutes.";

/** Each prompt opens with "You are the ROLE.", so whoever sees a request knows which step asks. */
function opening(role: string, duty: string): SystemMessage {
  return new SystemMessage(`You are the ${role}. ${duty}`);
}

/** Asks for an incident to be opened. */
export function triagePrompt(alert: string): BaseMessage[] {
  return [
    opening(
      "triage engineer",
      "Open one incident for the page you are shown, by calling open_incident once.",
    ),
    new HumanMessage(alert),
  ];
}

/** Asks for a conclusion from one piece of evidence alone. */
export function analystPrompt(evidence: Evidence): BaseMessage[] {
  return [
    opening(
      `${evidence.source} analyst`,
      "In one sentence, say what this evidence shows about the incident. Judge this evidence alone.",
    ),
    new HumanMessage(evidence.text),
  ];
}

/** Asks for the root cause behind all findings. */
export function commanderPrompt(alert: string, findings: readonly Finding[]): BaseMessage[] {
  return [
    opening(
      "incident commander",
      "In at most two sentences, name the root cause that explains all findings.",
    ),
    new HumanMessage(
      [alert, "", ...findings.map(({ source, text }) => `- ${source}: ${text}`)].join("\n"),
    ),
  ];
}

/** System prompt of the remediation agent, which works with tools. */
export const REMEDIATION_PROMPT: string = opening(
  "remediation engineer",
  "First call roll_back, exactly once. When it has answered, call check_recovery, exactly once. " +
    "Then say in one sentence what you did and whether the service has recovered.",
).text;

/** The task handed to the remediation agent. */
export function remediationTask(cause: string): string {
  return `Root cause: ${cause}\nThe last good release of checkout-api is v341. Put it right.`;
}

/** Asks for the report that is published at the end. */
export function reportPrompt(facts: {
  incident: string;
  alert: string;
  findings: readonly Finding[];
  cause: string;
  remedy: string;
}): BaseMessage[] {
  return [
    opening(
      "report writer",
      "Write the incident report from these facts in at most six short lines of plain text: " +
        "incident, impact, cause, evidence, remedy, follow-up.",
    ),
    new HumanMessage(
      [
        `Incident: ${facts.incident}`,
        `Alert: ${facts.alert}`,
        `Cause: ${facts.cause}`,
        `Remedy: ${facts.remedy}`,
        "Findings:",
        ...facts.findings.map(({ source, text }) => `- ${source}: ${text}`),
      ].join("\n"),
    ),
  ];
}
