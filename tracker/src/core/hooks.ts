/** Where modules hang in. What one of them throws must not stop the page's own events. */

type Run = (arg?: any) => unknown;

const hooks: Record<string, Run[]> = {};

export const guarded = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch (error) {
    console.warn("Footfall:", error);
    return undefined;
  }
};

/** On the window, where browsers wait for nobody before they scroll, and before a page may keep an event to itself. */
export const listen = (types: string, run: (event: any) => void): void =>
  types.split(" ").forEach((type) => addEventListener(type, run, true));

export const on = (hook: string, run: Run): void => {
  (hooks[hook] = hooks[hook] || []).push(run);
};

export const call = (hook: "view" | "address" | "leave" | "event", arg?: unknown): unknown[] =>
  (hooks[hook] || []).map((run) => guarded(() => run(arg)));
