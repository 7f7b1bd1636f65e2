import type { FailureKind } from "@threadkeep/resilient-llm";
import { CONSEQUENCES } from "./consequences.ts";
import { FAMILIES } from "./families.ts";
import type { AnswerRow, ErrorRow, ExpectedAnswer, ProviderFamily } from "./provider-row.ts";
import { STRUCTURED_ROWS, type StructuredRow } from "./structured-rows.ts";

const INTRODUCTION = `# Providers

What OpenAI-compatible providers, gateways and local servers send, and what \`ResilientChatModel\` makes of
it. Each line is a test against a real HTTP server, with and without streaming
(\`test/resilient-llm/providers\`). This page is written from those tests by \`pnpm providers-page\`.

A provider that is not listed is not a provider that does not work: the rules go by status, code, type,
parameter and numbers first and by wording last (\`packages/resilient-llm/src/failure/failure-rules.ts\`).
What they do not know can be told them by the option \`classify\`:

\`\`\`ts
new ResilientChatModel({
  models: ["our-model", "gpt-4.1"],
  classify: ({ status, message }) =>
    status === 400 && message.includes("quota of the team") ? "quota-exhausted" : undefined,
});
\`\`\``;

function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** A table whose columns are as wide as their longest cell, as the formatter of this repository wants it. */
function toTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const toLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...lines].map(toLine).join("\n");
}

function describeError({ isFinal, means, requests, waitsMs, windowTokens }: ErrorRow): string {
  const notes: string[] = [];
  if (waitsMs !== undefined) notes.push(`wait of ${waitsMs / 1000} s`);
  if (windowTokens !== undefined)
    notes.push(`window of ${windowTokens.toLocaleString("en")} tokens`);
  if (isFinal) notes.push("any model would refuse it");
  if (requests === 1) notes.push("not retried");
  if (requests === 4) notes.push("retried");
  return [`\`${means}\``, ...notes].join(", ");
}

function describeAnswer(gives: ExpectedAnswer): string {
  const what: string[] = [];
  if (gives.toolCalls) what.push(gives.toolCalls.length > 1 ? "tool calls" : "a tool call");
  if (gives.refusal !== undefined) what.push("the refusal, in `additional_kwargs.refusal`");
  if (gives.reasoning !== undefined) what.push("the text, and the reasoning apart from it");
  if (gives.parsed) what.push("parsed output");
  if (what.length === 0) what.push("the text");
  if (gives.cutAtLimit) what.push("flagged as cut");
  return `handed out: ${what.join(", ")}`;
}

function describeRow(row: AnswerRow): string {
  return row.gives ? describeAnswer(row.gives) : `\`${row.means ?? "unknown"}\``;
}

function renderFamily({ answers = [], errors, name }: ProviderFamily): string {
  const lines = [
    ...errors.map((row) => [escape(row.sends), describeError(row)]),
    ...answers.map((row) => [escape(row.sends), describeRow(row)]),
  ];
  return `## ${name}\n\n${toTable(["What it sends", "Taken for"], lines)}`;
}

const STRUCTURED_INTRODUCTION = `## Structured output

What comes of \`withStructuredOutput\`, with zod and with JSON schemas, for \`invoke\` and \`stream\`. Repaired:
the attempt has failed, and the model is asked again with the validator's message, then the next one. If no answer
fits, the call throws a \`StructuredOutputError\`.`;

const OUTCOMES: Readonly<Record<StructuredRow["becomes"], string>> = {
  parsed: "handed out: the value",
  repaired: "repaired",
  refused: "LangChain's `ModelRefusalError`",
};

function renderStructured(): string {
  const methods = [...new Set(STRUCTURED_ROWS.map(({ method }) => method))];
  const tables = methods.map((method) => {
    const rows = STRUCTURED_ROWS.filter((row) => row.method === method);
    const lines = rows.map(({ becomes, sends }) => [escape(sends), OUTCOMES[becomes]]);
    return `### ${method}\n\n${toTable(["What it sends", "What comes of it"], lines)}`;
  });
  return [STRUCTURED_INTRODUCTION, ...tables].join("\n\n");
}

/** The page `docs/providers.md`. */
export function renderPage(): string {
  const kinds = Object.entries(CONSEQUENCES) as [FailureKind, { readonly inWords: string }][];
  const table = toTable(
    ["Kind", "What follows"],
    kinds.map(([kind, { inWords }]) => [`\`${kind}\``, inWords]),
  );
  const parts = [
    INTRODUCTION,
    `## What follows from what\n\n${table}`,
    ...FAMILIES.map(renderFamily),
    renderStructured(),
  ];
  return `${parts.join("\n\n")}\n`;
}
