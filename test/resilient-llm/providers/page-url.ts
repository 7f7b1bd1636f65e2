/** The page that is written from the rows. */
export const PAGE_URL: URL = new URL("../../../docs/providers.md", import.meta.url);
