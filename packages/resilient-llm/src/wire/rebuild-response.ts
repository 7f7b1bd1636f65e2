/** The response with another body, for the SDK to read. */
export function rebuildResponse(
  response: Response,
  body: BodyInit,
  contentType?: string,
): Response {
  const headers = new Headers(response.headers);
  if (contentType !== undefined) headers.set("content-type", contentType);
  // The body has been decoded and may have changed its length.
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
