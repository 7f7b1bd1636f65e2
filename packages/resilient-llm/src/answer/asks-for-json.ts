/** Whether the request asks for JSON: a model that is asked to go on with it begins a new one. */
export function asksForJson(options: Readonly<Record<string, unknown>>): boolean {
  const { response_format: format } = options as { response_format?: { type?: unknown } };
  return format !== undefined && format.type !== "text";
}
