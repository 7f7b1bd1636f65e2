import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  InvalidOptionsError,
  ResilientChatModel,
  type ResilientChatModelOptions,
} from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { startServer } from "../testing/test-model.ts";

const ours = "sk-ours-0123456789abcdef";
const theirs = "sk-theirs-0123456789abcdef";

interface Hosts {
  readonly home: FaultServer;
  readonly foreign: FaultServer;
}

/** Two servers, and an environment that speaks of neither unless a test says so. */
async function startHosts(): Promise<Hosts> {
  for (const name of ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"]) {
    vi.stubEnv(name, "");
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const home = await startServer(replies.error(404));
  const foreign = await startServer(replies.answer("done"));
  return { home, foreign };
}

function messageFor(options: ResilientChatModelOptions): string {
  try {
    return `accepted: ${new ResilientChatModel(options).models.join()}`;
  } catch (error) {
    if (!InvalidOptionsError.isInstance(error)) throw error;
    return error.message;
  }
}

const headers = (defaultHeaders: Record<string, string | null>) => ({
  configuration: { defaultHeaders },
});

describe("a key or credential is not sent to another host than the one it was given for", () => {
  it.each<[string, (hosts: Hosts) => ResilientChatModelOptions, RegExp]>([
    [
      "the key of the whole model, by a candidate",
      ({ home, foreign }) => ({
        apiKey: ours,
        baseURL: home.baseURL,
        models: ["a", { model: "b", baseURL: foreign.baseURL }],
      }),
      /No API key for the model b at http\S+: set models\[1\]\.apiKey .* the option apiKey is for http/,
    ],
    [
      "the key for OpenAI, where no address is given",
      ({ foreign }) => ({ apiKey: ours, models: [{ model: "b", baseURL: foreign.baseURL }] }),
      /set models\[0\]\.apiKey .* the option apiKey is for https:\/\/api\.openai\.com\/v1/,
    ],
    [
      "the key of the whole model, by an endpoint",
      ({ home, foreign }) => ({
        apiKey: ours,
        baseURL: home.baseURL,
        models: [{ model: "a", endpoints: [{}, { baseURL: foreign.baseURL }] }],
      }),
      /set models\[0\]\.endpoints\[1\]\.apiKey/,
    ],
    [
      "a candidate's key, by an endpoint",
      ({ home, foreign }) => ({
        models: [
          {
            model: "a",
            apiKey: ours,
            baseURL: home.baseURL,
            endpoints: [{}, { baseURL: foreign.baseURL }],
          },
        ],
      }),
      /set models\[0\]\.endpoints\[1\]\.apiKey .* the option apiKey of a is for http/,
    ],
    [
      "a key given for https, over http",
      () => ({
        apiKey: ours,
        baseURL: "https://host.example/v1",
        models: [{ model: "a", baseURL: "http://host.example/v1" }],
      }),
      /set models\[0\]\.apiKey/,
    ],
    [
      "a header that identifies",
      ({ home, foreign }) => ({
        models: [
          {
            model: "a",
            baseURL: home.baseURL,
            apiKey: ours,
            fields: headers({ Authorization: `Bearer ${ours}`, "x-team": "blue" }),
            endpoints: [{}, { baseURL: foreign.baseURL, apiKey: theirs }],
          },
        ],
      }),
      /set models\[0\]\.endpoints\[1\]\.fields\.configuration\.defaultHeaders/,
    ],
    [
      "a query that identifies",
      ({ home, foreign }) => ({
        models: [
          {
            model: "a",
            baseURL: home.baseURL,
            apiKey: ours,
            fields: { configuration: { defaultQuery: { "api-key": ours } } },
            endpoints: [{ baseURL: foreign.baseURL, apiKey: theirs }],
          },
        ],
      }),
      /endpoints\[0\]\.fields\.configuration\.defaultQuery/,
    ],
    [
      "organization, project and another secret of the client",
      ({ home, foreign }) => ({
        models: [
          {
            model: "a",
            baseURL: home.baseURL,
            apiKey: ours,
            fields: {
              configuration: { organization: "org-1", project: "p-1", webhookSecret: ours },
            },
            endpoints: [{ baseURL: foreign.baseURL, apiKey: theirs }],
          },
        ],
      }),
      /configuration\.organization and .*configuration\.project and .*configuration\.webhookSecret/,
    ],
  ])("%s", async (_, createOptions, expected) => {
    const hosts = await startHosts();
    const message = messageFor(createOptions(hosts));
    expect(message).toMatch(expected);
    expect(message).not.toContain("0123456789abcdef");
    expect([...hosts.home.requests, ...hosts.foreign.requests]).toEqual([]);
  });

  it("the key of the environment, by a model at another address than the environment's", async () => {
    const { foreign } = await startHosts();
    vi.stubEnv("OPENAI_API_KEY", ours);
    const expected = /OPENAI_API_KEY is for https:\/\/api\.openai\.com\/v1/;
    expect(messageFor({ models: [{ model: "a", baseURL: foreign.baseURL }] })).toMatch(expected);
    // A base URL for the whole model says where that key goes, as with ChatOpenAI.
    expect(messageFor({ models: ["a"], baseURL: foreign.baseURL })).toBe("accepted: a");
    vi.stubEnv("OPENAI_BASE_URL", foreign.baseURL);
    expect(messageFor({ models: [{ model: "a", baseURL: foreign.baseURL }] })).toBe("accepted: a");
  });

  it("what else the environment tells OpenAI's client, by a model at another address", async () => {
    const { foreign } = await startHosts();
    vi.stubEnv("OPENAI_ORG_ID", "org-of-env");
    vi.stubEnv("OPENAI_ORGANIZATION", "org-of-env");
    vi.stubEnv("OPENAI_PROJECT_ID", "project-of-env");
    vi.stubEnv(
      "OPENAI_CUSTOM_HEADERS",
      "x-gateway-token: token-of-env\nAuthorization: Bearer key-of-env",
    );
    const options = { apiKey: theirs, baseURL: foreign.baseURL };
    await new ResilientChatModel({ ...options, models: ["a"] }).invoke("hi");
    const own = { configuration: { organization: "org-of-option" } };
    await new ResilientChatModel({ ...options, models: [{ model: "a", fields: own }] }).invoke(
      "hi",
    );
    const [first, second] = foreign.requests;
    expect(JSON.stringify(first?.headers)).not.toMatch(/of-env/);
    expect(JSON.stringify(second?.headers)).not.toMatch(/of-env/);
    expect(first?.headers.authorization).toBe(`Bearer ${theirs}`);
    expect(second?.headers["openai-organization"]).toBe("org-of-option");
    // To the host that it speaks of, it goes.
    vi.stubEnv("OPENAI_BASE_URL", foreign.baseURL);
    vi.stubEnv("OPENAI_API_KEY", theirs);
    await new ResilientChatModel({ models: ["a"] }).invoke("hi");
    expect(foreign.requests[2]?.headers).toMatchObject({
      "openai-organization": "org-of-env",
      "openai-project": "project-of-env",
      "x-gateway-token": "token-of-env",
    });
  });
});

it("a key goes where its candidate, its endpoint or the whole model says, over the whole chain", async () => {
  const { home, foreign } = await startHosts();
  const model = new ResilientChatModel({
    apiKey: ours,
    baseURL: home.baseURL,
    models: [
      "a",
      // Another path of the same host.
      { model: "b", baseURL: `${home.baseURL}/eu` },
      {
        model: "c",
        fields: headers({ Authorization: `Bearer ${ours}`, "x-team": "blue" }),
        endpoints: [
          { name: "one" },
          {
            name: "two",
            canary: 0.001,
            baseURL: foreign.baseURL,
            apiKey: theirs,
            fields: headers({ authorization: `Bearer ${theirs}` }),
          },
        ],
      },
    ],
  });
  expect((await model.invoke("hi")).text).toBe("done");
  const keysAt = ({ requests }: FaultServer) =>
    requests.map(({ headers: { authorization }, model: name }) => `${name}: ${authorization}`);
  expect(keysAt(home)).toEqual([`a: Bearer ${ours}`, `b: Bearer ${ours}`, `c: Bearer ${ours}`]);
  expect(keysAt(foreign)).toEqual([`c: Bearer ${theirs}`]);
  expect(foreign.requests[0]?.headers["x-team"]).toBe("blue");
});

it("every model without a key is named at once", async () => {
  const { home, foreign } = await startHosts();
  const message = messageFor({
    apiKey: ours,
    baseURL: home.baseURL,
    models: [
      { model: "a", baseURL: foreign.baseURL },
      { model: "b", endpoints: [{}, { baseURL: foreign.baseURL }] },
    ],
  });
  expect(message).toMatch(/models\[0\]\.apiKey[^]*\n[^]*models\[1\]\.endpoints\[1\]\.apiKey/);
});
