/** Starts a server, prints its connection string, and then ends in the way named by its argument. */
import { startMongoDB } from "./start-mongodb.ts";

const mongodb = await startMongoDB();
console.log(mongodb.uri);

switch (process.argv[2]) {
  case "stop":
    await mongodb.stop();
    break;
  case "exit":
    process.exit(3);
    break;
  case "throw":
    setImmediate(() => {
      throw new Error("on purpose");
    });
    break;
  case "wait":
    setInterval(() => {}, 60_000);
    break;
  default:
  // The end of this file is the end of the process.
}
