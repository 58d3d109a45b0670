/** Whether anything came of a click: what is seen or heard of within a second. */

const MS = 1_000;
// Transitions do not count: letting go of a button or moving on starts them, whatever the page does.
const SIGNS =
  "submit invalid input change focusin scroll visibilitychange blur copy toggle play pause fullscreenchange";

/** Runs `dead` where a second has passed, on a page that is looked at, and nothing came. */
export const reactions = (roots: Node[], dead: () => void): void => {
  const address = (): string => location.href.replace(/#$/, ""); // "#" leads nowhere
  const before = address();
  const signs = SIGNS.split(" ");
  const end = (): void => {
    clearTimeout(timer);
    changes.disconnect();
    for (const sign of signs) removeEventListener(sign, end, true);
  };
  const changes = new MutationObserver(end);
  const timer = setTimeout(() => {
    end();
    // A selection is what the click was for; the address may change without an event.
    if (address() === before && getSelection()?.type !== "Range") dead();
  }, MS);
  for (const sign of signs) addEventListener(sign, end, true);
  // Shadow trees are not part of the document's.
  for (const node of [document, ...roots])
    changes.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
};
