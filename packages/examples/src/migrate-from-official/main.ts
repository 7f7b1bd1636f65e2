/** Writes a report section by section, with the storage of one of two packages. See `--help`. */
import { parseArgs } from "node:util";
import { openModel } from "./open-model.ts";
import { isPackageName, openStorage, type PackageName } from "./open-storage.ts";
import { buildReportGraph, sectionsOf, type ReportGraph } from "./report-graph.ts";
import { reportScript } from "./report-script.ts";

const HELP = `Usage: npm run official -- [options]      the official saver and store
       npm run threadkeep -- [options]    ours

Writes a report. Each of the two can continue what the other has begun.

  --thread ID     the report to write or to go on with (default: report)
  --topic TEXT    of a new report (default: sailing ships)
  --stop-after N  end when there are N sections
  --help          show this text`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      thread: { type: "string", default: "report" },
      topic: { type: "string", default: "sailing ships" },
      "stop-after": { type: "string", default: "Infinity" },
      help: { type: "boolean", default: false },
    },
  });
  const [name] = positionals;
  const stopAfter = Number(values["stop-after"]);
  if (values.help) console.log(HELP);
  else if (!isPackageName(name)) throw new TypeError(`Which package, please?\n\n${HELP}`);
  else if (!(stopAfter > 0)) throw new TypeError("--stop-after is a number of sections above 0.");
  else await report(name, values.thread, values.topic, stopAfter);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function report(
  name: PackageName,
  threadId: string,
  topic: string,
  stopAfter: number,
): Promise<void> {
  await using storage = await openStorage(name, process.env);
  const graph = buildReportGraph(openModel(process.env, reportScript), storage);
  const thread = { configurable: { thread_id: threadId } };

  let { started, titles, sections, isDone } = await readProgress(graph, thread);
  const stand = started ? `continues after section ${sections.length}` : "begins";
  console.log(`with ${name}: report "${threadId}" ${isDone ? "is complete" : stand}`);
  while (!isDone && sections.length < stopAfter) {
    // `null` means: go on where the thread stands. One section, and then look again.
    await graph.invoke(started ? null : { topic }, {
      ...thread,
      durability: "sync",
      interruptAfter: ["write"],
    });
    ({ started, titles, sections, isDone } = await readProgress(graph, thread));
    console.log(`\n${sections.length} of ${titles.length}: ${sections.at(-1)}`);
  }

  const items = await storage.store.search(sectionsOf(threadId), { limit: 100 });
  const keys = items.map((item) => item.key).toSorted((a, b) => a.localeCompare(b));
  console.log(`\n${isDone ? "complete" : "stopped"}; in the store: ${keys.join(", ")}`);
}

/** What is stored of a report. */
interface Progress {
  started: boolean;
  titles: readonly string[];
  sections: readonly string[];
  isDone: boolean;
}

async function readProgress(
  graph: ReportGraph,
  thread: { configurable: { thread_id: string } },
): Promise<Progress> {
  const state = await graph.getState(thread);
  const { titles = [], sections = [] } = state.values as Partial<Progress>;
  const started = state.createdAt !== undefined;
  return { started, titles, sections, isDone: started && state.next.length === 0 };
}
