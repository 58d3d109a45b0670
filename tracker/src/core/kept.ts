/** What of an address leaves the browser or is stored in it: of its query, only what collectors keep. */

// The build puts the names here.
const OTHERS = /&(?!(KEPT_PARAMETERS)=)[^&]*/gi;

/** Of an address as the page has it. What others have put into storage may be anything. */
export const kept = (address: any): string | undefined =>
  address?.replace?.(/\?(.*)/, (_: string, query: string) => `&${query}`.replace(OTHERS, "").replace("&", "?"));
