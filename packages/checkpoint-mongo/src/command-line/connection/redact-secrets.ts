/** What stands between the scheme and the host of a connection string, also a malformed one. */
const CREDENTIALS = /\b(mongodb(?:\+srv)?:\/\/)[^\s"'`]*@/gi;

/** Options of a connection string that hold secrets. */
const SECRET_OPTIONS =
  /([?&](?:tlsCertificateKeyFilePassword|authMechanismProperties)=)[^&\s"'`]*/gi;

/** Shorter texts could be a part of any word. */
const MIN_SECRET_LENGTH = 3;

/** Takes the credentials out of every connection string in a text, and all texts that are secret. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let redacted = text;
  // The longest first: a shorter one may be a part of it.
  for (const secret of secrets.toSorted((a, b) => b.length - a.length)) {
    if (secret.length >= MIN_SECRET_LENGTH) redacted = redacted.replaceAll(secret, "…");
  }
  return redacted.replaceAll(CREDENTIALS, "$1…@").replaceAll(SECRET_OPTIONS, "$1…");
}

/**
 * The secret parts of a connection string: name and password, as they are given and as they are understood. If
 * it is malformed, anything before the last `@` may be one.
 */
export function listSecrets(uri: string): readonly string[] {
  const [, credentials] = /^mongodb(?:\+srv)?:\/\/(.*)@/is.exec(uri) ?? [];
  if (credentials === undefined) return [];
  const [, password = ""] = credentials.split(/:(.*)/s);
  return [credentials, password].flatMap((text) => [text, decode(text)]).filter(Boolean);
}

/** An argument that looks like a connection string is one, wherever it stands and however it is broken. */
export function listSecretsOfArgument(argument: string): readonly string[] {
  if (!/mongodb(?:\+srv)?:/i.test(argument)) return [];
  const value = argument.replace(/^-+\w*=/, "");
  return [argument, value, ...listSecrets(value)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
