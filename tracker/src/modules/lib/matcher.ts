/** Click ids of affiliate networks in the address of a landing page. */

import { parsed } from "./text";

export interface Pattern {
  network: string;
  parameter: string;
  days: number;
  /** One of these must stand beside it: `transaction_id` alone may be anybody's. */
  with?: string[];
}

export interface Found {
  network: string;
  parameter: string;
  id: string;
  days: number;
}

/** The owner's own: "network:parameter:days,…", days left out are 30. What cannot be read is left out. */
export const owned = (text: string): Pattern[] =>
  text
    .split(",")
    .map((part) => part.trim().split(":"))
    .filter(([network, parameter, days]) => network && parameter && Number(days || 30) > 0)
    .map(([network, parameter, days]) => ({ network: network!, parameter: parameter!, days: Number(days || 30) }));

/** One matcher of all patterns; where several fit, the pattern that stands first wins. */
export const matcher = (patterns: Pattern[]): ((address: string) => Found | undefined) => {
  const names = patterns.map(({ parameter }) => parameter.replace(/\W/g, "\\$&"));
  const any = new RegExp(`[?&](?:${names.join("|")})=`, "i"); // nearly all addresses end here
  return (address) => {
    const given: Record<string, string> = {};
    if (any.test(address)) parsed(address)?.searchParams.forEach((value, name) => (given[name.toLowerCase()] = value));
    const id = (name: string): string => given[name.toLowerCase()] || "";
    const found = patterns.find(
      ({ parameter, with: beside }) => /^[!-~]{1,500}$/.test(id(parameter)) && (!beside || beside.some(id)),
    );
    return found && { network: found.network, parameter: found.parameter, id: id(found.parameter), days: found.days };
  };
};
