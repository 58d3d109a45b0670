/** A short address of an element that is likely the same on the next visit and after the next build. */

import { bounded, line } from "./text";

const MOST = 128;

/** Whether somebody wrote this name: builds make `css-1x2y3z`, `Button_root__x3Fg2`, `bdVaJa`, `:r1:`. */
export const written = (name: string): boolean =>
  /^[a-z][\w-]{1,40}$/i.test(name) &&
  !/^(?:css|sc|jsx|svelte|emotion|ember|radix|mui|ng|react)[-_\d]|\d[a-z]|\d{3}/i.test(name) &&
  !/^(?=.{5,7}$)[a-z]+[A-Z][a-z]*[A-Z]/.test(name);

const step = (element: Element): string => {
  if (element.id && written(element.id)) return `#${element.id}`;
  const test = element.getAttribute("data-testid");
  if (test && test.length <= 64) return `[data-testid=${JSON.stringify(line(test, 64))}]`;
  const tag = element.localName;
  const same = Array.from(element.parentNode?.children || []).filter((other) => other.localName === tag);
  const place = same.length > 1 ? `:nth-of-type(${same.indexOf(element) + 1})` : "";
  return [tag, ...Array.from(element.classList).filter(written).slice(0, 2)].join(".") + place;
};

export const selector = (element: Element): string => {
  let path = "";
  for (let at: Element | null = element; at && at !== document.body; at = at.parentElement || ((at.getRootNode() as ShadowRoot).host ?? null)) {
    const longer = step(at) + (path && ` > ${path}`);
    if (path && longer.length > MOST) break;
    path = longer;
    if (/^[#[]/.test(path)) break; // it has a name of its own: no need to say where it stands
  }
  return bounded(path, MOST);
};
