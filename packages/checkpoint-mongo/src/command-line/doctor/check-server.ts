import { askServer } from "./ask-server.ts";
import type { Finding, Patient } from "./finding.ts";

/** The oldest server that the package is tested with. */
const OLDEST_MAJOR = 6;

/** Round trips that are measured: the shortest says most. */
const PINGS = 5;

/** A longer way makes each step slow. */
const SLOW_PING_MS = 50;

/** Which server it is, how far away, and how its members stand together. */
export async function checkServer({ client, hello }: Patient): Promise<readonly Finding[]> {
  const admin = client.db("admin");
  const info = await askServer(admin, { buildInfo: 1 });
  const findings = [describeVersion(info), describeTopology(hello)];
  let shortestMs = Infinity;
  for (let ping = 0; ping < PINGS; ping += 1) {
    const startMs = performance.now();
    await admin.command({ ping: 1 });
    shortestMs = Math.min(shortestMs, performance.now() - startMs);
  }
  return [...findings, describePing(shortestMs)];
}

function describeVersion(info: Readonly<Record<string, unknown>> | undefined): Finding {
  const check = "Server";
  if (info === undefined) {
    return { check, verdict: "unknown", found: "The server does not tell its version." };
  }
  const version = String(info["version"]);
  const isFerret = "ferretdb" in info || "ferretdbVersion" in info;
  const found = isFerret ? `FerretDB, as MongoDB ${version}` : `MongoDB ${version}`;
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return { check, verdict: "ok", found };
  return {
    check,
    verdict: "problem",
    found,
    advice: `Version ${OLDEST_MAJOR}.0 is the oldest that is supported: update the server.`,
  };
}

function describeTopology(hello: Patient["hello"]): Finding {
  const check = "Topology";
  if (hello["msg"] === "isdbgrid") {
    return {
      check,
      verdict: "ok",
      found: "sharded cluster",
      advice:
        'Shard the collection by { thread_id: 1 } or { thread_id: "hashed" }, so that a thread stays on one shard.',
    };
  }
  if (hello["setName"] === undefined) {
    return {
      check,
      verdict: "warning",
      found: "one server, no replica set",
      advice: "If its disk is lost, so are the threads. Use a replica set of three members.",
    };
  }
  const hosts = Array.isArray(hello["hosts"]) ? hello["hosts"].length : 1;
  const passives = Array.isArray(hello["passives"]) ? hello["passives"].length : 0;
  const members = hosts + passives;
  const found = `replica set ${JSON.stringify(hello["setName"])}, ${members} member${members === 1 ? "" : "s"} with data`;
  if (members >= 3) return { check, verdict: "ok", found };
  return {
    check,
    verdict: "warning",
    found,
    advice:
      members === 1
        ? "If its disk is lost, so are the threads. Use three members."
        : "If one of two members is down, nothing can be stored. Use three.",
  };
}

function describePing(ms: number): Finding {
  const found = `${ms.toFixed(1)} ms`;
  return ms <= SLOW_PING_MS
    ? { check: "Round trip", verdict: "ok", found }
    : {
        check: "Round trip",
        verdict: "warning",
        found,
        advice:
          "Each step of a graph waits for at least one round trip: run it closer to the database.",
      };
}
