/** Where modules hang in. What one of them throws must not stop the page's own events. */

type Run = (arg?: any) => unknown;

const hooks: Record<string, Run[]> = { view: [], leave: [], event: [] };

export const guarded = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch (error) {
    console.warn("Footfall:", error);
    return undefined;
  }
};

export const on = (hook: string, run: Run): void => {
  hooks[hook]?.push(run);
};

export const call = (hook: "view" | "leave" | "event", arg?: unknown): unknown[] =>
  (hooks[hook] as Run[]).map((run) => guarded(() => run(arg)));
