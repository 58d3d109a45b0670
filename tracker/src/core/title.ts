/** The title of the page view that is open. Applications set it after the address: it is read when the event leaves. */
import type { Sent } from "../api";
import { address } from "./address";
import { TITLE } from "./limits";

let view: Sent | undefined;

export const title = (): string => document.title.slice(0, TITLE);

/** From now on it is that one's. */
export const follow = (event: Sent | undefined): void => {
  view = event;
};

/** What is still to be read from the page before an event leaves or is stored. */
export const settle = (): void => {
  if (view?.url === address()) view.title = title();
};
