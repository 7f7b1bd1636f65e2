import { InvalidOptionsError } from "../errors/invalid-options-error.ts";

/** What only a message's own words are made of: names of options, but no password worth the name. */
const NAME = /^[A-Za-z]{1,40}$/;

/** Shorter pieces would be found in any word. */
const MIN_LENGTH = 3;

/**
 * Makes a client. The driver's errors quote what it was given, and so a password that stands in the
 * wrong place: none of that is passed on.
 *
 * @param owner the class that the client is for, for the message
 * @throws InvalidOptionsError with what the driver says, but for what was given
 */
export function guardConnection<Client>(
  owner: string,
  uri: unknown,
  clientOptions: unknown,
  make: () => Client,
): Client {
  try {
    return make();
  } catch (error) {
    // Not as its cause: that has the driver's own words.
    const said = redact(error instanceof Error ? error.message : String(error), [
      ...listUriParts(uri),
      ...listTexts(clientOptions, new Set()),
    ]);
    throw new InvalidOptionsError(
      `Cannot connect ${owner} with this connection string and these clientOptions: ${said}`,
    );
  }
}

/** A connection string, what it consists of, and the options' values in it. */
function listUriParts(uri: unknown): string[] {
  if (typeof uri !== "string") return [];
  const [place = "", query = ""] = uri.replace(/^mongodb(?:\+srv)?:\/\//, "").split(/\?(.*)/s);
  const parts = place.split(/[:@,/]/);
  const options = query.split("&").map((option) => option.split(/=(.*)/s));
  const values = options.flatMap(([name = "", value = ""]) =>
    NAME.test(name) ? [value] : [name, value],
  );
  return [uri, place, ...place.split("/"), ...parts, ...values].flatMap(withDecoded);
}

function listTexts(value: unknown, seen: Set<object>): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || seen.has(value)) return [];
  seen.add(value);
  const keys = Object.keys(value).filter((key) => !NAME.test(key));
  return keys.concat(...Object.values(value).map((entry) => listTexts(entry, seen)));
}

/** A text as it is given and as it is understood: in a query, "+" is a space. */
function withDecoded(text: string): string[] {
  const forms = [text, text.replaceAll("+", " ")];
  try {
    return [...forms, ...forms.map(decodeURIComponent)];
  } catch {
    return forms;
  }
}

function redact(message: string, given: readonly string[]): string {
  let redacted = message;
  // The longest first: a shorter one may be a part of it. The driver writes options in lower case.
  for (const text of given.toSorted((a, b) => b.length - a.length)) {
    if (text.length < MIN_LENGTH) continue;
    for (const form of [text, text.toLowerCase()]) redacted = redacted.replaceAll(form, "…");
  }
  return redacted;
}
