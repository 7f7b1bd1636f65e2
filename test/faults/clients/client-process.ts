/** The program of a client's process: does as it is ordered until it is told to stop, or is killed. */
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { Recorder } from "../history/recorder.ts";
import { ENDED, READY, STOP, type ClientOrder } from "./client-order.ts";
import { openSavers } from "./open-savers.ts";
import { RandomClient } from "./random-client.ts";

/** At once in each process, on the same savers: their commands go together. */
const CLIENTS = 2;

process.on("disconnect", () => process.exit(1));
const [order] = (await once(process, "message")) as [ClientOrder];
const { uri, dbName, directory, process: name, seed, threads, mix } = order;

const stop = new AbortController();
process.on("message", (message) => {
  if (message === STOP) stop.abort();
});
const mongoClient = new MongoClient(uri);
const recorder = new Recorder(directory, name, () => process.send?.(ENDED));
const savers = openSavers(mongoClient, dbName, threads, recorder);
process.send?.(READY);
await Promise.all(
  Array.from({ length: CLIENTS }, (_, index) =>
    new RandomClient(new Random(seed * CLIENTS + index), savers, threads, mix).run(stop.signal),
  ),
);
// What is left open, such as connections to a server that does not answer, is nobody's concern.
process.exit(0);
