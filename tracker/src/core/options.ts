/** What the script's data-* attributes, or init()'s options, ask for. */

export type Options = Record<string, string | undefined>;

let options: Options = {};

export const configure = (given: Options): void => {
  options = given;
};

export const option = (name: string): string | undefined => options[name];

/** An attribute without a value is enough. */
export const flag = (name: string): boolean => option(name) != null;
