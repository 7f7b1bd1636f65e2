import { expect, it } from "vitest";
import { listSecrets, showUrl } from "./endpoint-secrets.ts";

it.each([
  ["https://api.example.com/v1", "https://api.example.com/v1"],
  ["http://localhost:11434", "http://localhost:11434"],
  ["https://user:pa%40ss@host/v1", "https://host/v1"],
  ["https://token@host/v1", "https://host/v1"],
  ["https://host/v1?api-key=secret&v=2", "https://host/v1?api-key=…&v=…"],
  ["https://host/v1?sk-abcdef123456=1", "https://host/v1?[redacted]=…"],
  ["sk-abcdef123456", "[redacted]"],
])("of the URL %s messages show %s", (url, shown) => {
  expect(showUrl(url)).toBe(shown);
});

it("secrets are the key, a URL's user or password and query, and headers that identify", () => {
  const configuration = {
    defaultHeaders: { "X-Api-Key": "header-key", Authorization: "Bearer abc.def", Accept: "json" },
    defaultQuery: { access_token: "query-token", version: "2" },
  };
  expect(listSecrets("key", "https://u:pa%40ss@host?k=value", configuration)).toEqual([
    "key",
    "pa%40ss",
    "pa@ss",
    "value",
    "header-key",
    "header-key",
    "Bearer abc.def",
    "abc.def",
    "query-token",
    "query-token",
  ]);
  expect(listSecrets(() => "key", "https://token@host", undefined)).toEqual(["token", "token"]);
  const headers = new Headers({ "api-key": "header-key" });
  expect(listSecrets(undefined, "no url", { defaultHeaders: headers })).toEqual([
    "header-key",
    "header-key",
  ]);
});
