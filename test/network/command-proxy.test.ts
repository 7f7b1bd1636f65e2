import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { Binary, Decimal128, Long, MongoClient, ObjectId } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import { CommandProxy, ConnectionLost, type Handle } from "./command-proxy.ts";

const uri = inject("mongodbUri");

/** A collection of its own, behind a proxy. */
async function open(handle: Handle) {
  const proxy = await CommandProxy.start(uri, handle);
  const client = new MongoClient(proxy.uri, { retryWrites: false, retryReads: false });
  const direct = new MongoClient(uri);
  const database = temporaryDatabase(direct);
  onTestFinished(async () => {
    await client.close();
    await database.drop();
    await direct.close();
  });
  const collection = client.db(database.name).collection("things");
  return { proxy, collection, direct: direct.db(database.name).collection("things") };
}

it("what nobody changes goes through as it is, small or large, in each direction", async () => {
  const seen: string[] = [];
  const { proxy, collection, direct } = await open((command, send) => {
    seen.push(Object.keys(command)[0]!);
    return send(command);
  });
  const document = {
    _id: new ObjectId(),
    long: Long.fromString("9007199254740993"),
    decimal: Decimal128.fromString("1.10"),
    bytes: new Binary(Buffer.alloc(3_000_000, 7), 0x80),
  };
  const exact = { promoteLongs: false } as const;
  await collection.insertOne(document);
  expect(await direct.findOne({}, exact)).toEqual(document);
  expect(await collection.findOne({}, exact)).toEqual(document);
  expect(seen).toEqual(expect.arrayContaining(["insert", "find"]));
  await proxy[Symbol.asyncDispose]();
});

it("a command is carried out as a function changed it, and answered as it says", async () => {
  const { proxy, collection, direct } = await open(async (command, send) => {
    if ("insert" in command) return send({ ...command, documents: [{ _id: "another" }] });
    if ("find" in command) return { ok: 0, code: 8, errmsg: "Not today." };
    return send(command);
  });
  await collection.insertOne({ a: 1 });
  expect(await direct.find().toArray()).toEqual([{ _id: "another" }]);
  await expect(collection.findOne({})).rejects.toMatchObject({ code: 8, message: "Not today." });
  await proxy[Symbol.asyncDispose]();
});

it("a connection breaks where the function asks for it, and any other error of the function is reported", async () => {
  const { proxy, collection } = await open((command, send) => {
    if ("insert" in command) throw new ConnectionLost();
    if ("find" in command) throw new TypeError("a mistake of the test's");
    return send(command);
  });
  for (const call of [() => collection.insertOne({ a: 1 }), () => collection.findOne({})]) {
    await expect(call()).rejects.toMatchObject({ name: "MongoNetworkError" });
  }
  await expect(proxy[Symbol.asyncDispose]()).rejects.toThrow("a mistake of the test's");
});
