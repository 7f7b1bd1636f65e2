/** A process that streams an answer, and prints it, until it is killed. */
import { MongoClient } from "mongodb";
import { type AgentSetting, openAgentModel, PROMPT } from "./mortal-agent.ts";

const setting = JSON.parse(process.argv[2] ?? "") as AgentSetting;
const model = openAgentModel(setting, new MongoClient(setting.uri));
for await (const chunk of await model.stream(PROMPT, setting.call))
  process.stdout.write(chunk.text);
