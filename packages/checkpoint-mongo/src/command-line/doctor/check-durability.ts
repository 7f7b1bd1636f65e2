import { askServer } from "./ask-server.ts";
import type { Finding, Patient } from "./finding.ts";

/** With which write concern steps are stored, and whether the server keeps it. */
export async function checkDurability({ client, hello }: Patient): Promise<readonly Finding[]> {
  const check = "Write concern";
  const found = "w: majority, journal: true, whatever the connection string says";
  const admin = client.db("admin");
  const config =
    hello["setName"] === undefined ? undefined : await askServer(admin, { replSetGetConfig: 1 });
  const settings = config?.["config"] as Readonly<Record<string, unknown>> | undefined;
  const findings: Finding[] = [{ check, verdict: "ok", found }];
  const arbiters = listMembers(settings).filter(({ arbiterOnly }) => arbiterOnly === true);
  if (arbiters.length > 0) {
    findings.push({
      check: "Arbiters",
      verdict: "warning",
      found: `${arbiters.length} of the members hold no data`,
      advice:
        "With one member with data down, a majority cannot be reached and nothing is stored. Replace the arbiter.",
    });
  }
  const options = client.options as unknown as Readonly<Record<string, unknown>>;
  if (options["retryWrites"] === false) {
    findings.push({
      check: "retryWrites",
      verdict: "note",
      found: "false in the connection string",
      advice: "The saver repeats its commands itself. The rest of your program does not.",
    });
  }
  return findings;
}

interface Member {
  readonly arbiterOnly?: boolean | undefined;
}

function listMembers(config: Readonly<Record<string, unknown>> | undefined): readonly Member[] {
  return Array.isArray(config?.["members"]) ? (config["members"] as readonly Member[]) : [];
}
