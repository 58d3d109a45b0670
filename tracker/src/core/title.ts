/** The page view that is open, until its page has settled: applications set the title after the address. */
import type { Sent } from "../api";
import { address, url } from "./address";
import { own } from "./document";
import { LOOK_MS, LOOKS, TITLE } from "./limits";

/** While its title is looked at, the view waits, and what is queued behind it too. */
export let view: Sent | undefined;

/** So many times more, unless another view is open by then. What stands at an address that nobody has told of is not its own. */
const look = (event: Sent | undefined, looks: number): void => {
  if (event !== view) return;
  if (view && url() === address()) view.title = own("title").slice(0, TITLE);
  if (looks) setTimeout(look, LOOK_MS, event, looks - 1);
  else view = undefined;
};

/** From now on it is that one's. The one before keeps what it had: the title may be the next page's already. */
export const follow = (event: Sent | undefined): void => look((view = event), LOOKS);

/** Whatever stands now is it: the page is left, or what waits is asked for. */
export const settle = (): void => look(view, 0);
