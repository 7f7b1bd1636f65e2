import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "./check-options.ts";

/** What names of options look like, which messages may show. Nobody has such a password. */
const NAME = /^[A-Za-z]{1,40}$/;

/** Shorter pieces could be part of any word. */
const MIN_LENGTH = 3;

/**
 * Checks that there are options. What is in them is checked by the constructor.
 *
 * @param owner the class that they are for, for the message
 * @throws InvalidOptionsError if they are no object
 */
export function requireOptions<Options extends object>(owner: string, options: Options): Options {
  checkOptions(owner, z.looseObject({}), options);
  return options;
}

/**
 * Makes a client. The driver's errors quote what they were given, which may be a password in the wrong
 * place, so the message leaves that out.
 *
 * @param owner the class that the client is for, for the message
 * @throws InvalidOptionsError if the driver refuses the connection string or the options
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
    // Without a cause: the driver's own error would show what was given.
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
