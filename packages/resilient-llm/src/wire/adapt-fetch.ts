import { Readable } from "node:stream";

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` of another library whose responses are those of the language. Some, as node-fetch, have a
 * body that is a stream of Node.js, which cannot be read as a web stream.
 */
export function adaptFetch(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const body: unknown = response.body;
    return body instanceof Readable ? convertResponse(response, body) : response;
  };
}

function convertResponse(response: Response, body: Readable): Response {
  const { status, statusText } = response;
  const headers = new Headers([...response.headers]);
  return new Response(Readable.toWeb(body) as ReadableStream, { status, statusText, headers });
}
