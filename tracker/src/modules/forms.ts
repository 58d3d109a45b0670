/** form_start, form_submit, form_abandon and form_error; never what was filled in. */

import type { Module, Props } from "../api";
import { classifier } from "./lib/classify";
import { explicit, ignored, inside, label, listen, listenInside, search, target, up } from "./lib/elements";
import { facts, fieldsOf } from "./lib/facts";
import { fieldName, stays, type Field } from "./lib/fields";
import { bounded, line } from "./lib/text";
import { forms as rules } from "./rules.json";

const MOST = 10; // errors told of one form
const TRIED_MS = 100; // the browser finds fault at once with what somebody tries to send
const ANSWER_MS = 1_000; // the page takes a little longer

const NAMED = "input,select,textarea";
const MARKED = "[aria-invalid=true],[data-invalid],[data-user-invalid],.is-invalid";

interface Pending {
  /** Tell of the submit that the page may still refuse. */
  send?: (() => void) | undefined;
}

const begin = () => ({
  ...stays(),
  ...({} as Pending),
  started: 0,
  tried: -TRIED_MS,
  errors: 0,
  done: false, // sent or abandoned
  faults: new Map<string, string>(), // of the try that runs
});

const fieldsIn = (form: HTMLFormElement): Field[] =>
  Array.from(new Set([...Array.from(form.elements), ...inside(form, NAMED)])).filter((one) =>
    one.matches(NAMED),
  ) as Field[];

const blame = ({ faults }: ReturnType<typeof begin>, field: Field): void => {
  let error = "";
  for (const name in field.validity) if (field.validity[name as keyof ValidityState] === true) error = name;
  faults.set(fieldName(field), error);
};

export const forms: Module = (api) => {
  const classify = classifier(rules, {});
  const works = new Map<HTMLFormElement, ReturnType<typeof begin>>();
  type Work = ReturnType<typeof begin>;
  api.on("view", () => {
    works.clear();
    setTimeout(search, 1_000);
  });

  const described = (form: HTMLFormElement): Props => {
    // By attribute: a field called "name" or "id" hides the form's property.
    const get = (name: string): string | null => form.getAttribute(name);
    const button = form.querySelector("button:not([type=button]):not([type=reset]),[type=submit],[type=image]");
    const text = button ? (button as HTMLInputElement).value || label(button, 200) : "";
    const action = get("action") || "";
    const fields = fieldsIn(form).filter((one) => !/^(?:hidden|submit|button|image|reset)$/.test(one.type));
    const seen = facts("form", get, text, action, location.origin);
    const nth = `form ${Array.from((form.getRootNode() as Document).querySelectorAll("form")).indexOf(form) + 1}`;
    return {
      form: line(get("id") || get("name") || action.split(/[?#]/)[0] || nth, 128),
      ...classify({ ...seen, fields: fieldsOf(fields) }),
    };
  };

  const told = (form: HTMLFormElement, work: Work): Props => {
    const now = performance.now();
    work.go("", now);
    const names = Array.from(work.times.keys());
    const fields = bounded(names.join(), 1_024);
    const props: Props = { fields, ms: Math.round(now - (work.started || now)), last_field: names.pop() };
    work.times.forEach((ms, name) => (props[`ms_${name}`] = ms));
    return { ...props, ...described(form) };
  };

  const fault = (form: HTMLFormElement, { faults, errors }: Work): void => {
    const fields = bounded(Array.from(faults.keys()).join(), 1_024);
    if (faults.size && errors <= MOST)
      api.send("form_error", { ...described(form), fields, errors: Array.from(new Set(faults.values())).join() });
    faults.clear();
  };

  const on = (type: string, run: (form: HTMLFormElement, work: Work, element: Field, event: Event) => void): void =>
    (/^(?:submit|invalid)$/.test(type) ? listenInside : listen)(type, (event: Event) => {
      const element = target(event) as Field | null;
      // A field called "form" hides the form's property.
      const form = [element?.form, up(element, "form")].find((one) => one instanceof HTMLFormElement) as HTMLFormElement;
      if (!form || ignored(form)) return;
      const work = works.get(form) || begin();
      works.set(form, work);
      run(form, work, element!, event);
    });

  on("focusin", (_, work, element) => work.go(fieldName(element), performance.now()));
  on("focusout", (_, work) => work.go("", performance.now()));

  on("input", (form, work, _, event) => {
    if (!event.isTrusted || work.started) return; // pages fill in fields themselves
    work.started = performance.now();
    api.send("form_start", described(form));
  });

  for (const type of ["click", "keydown"])
    on(type, (_, work, __, event) => {
      if (event.isTrusted) work.tried = performance.now();
    });

  on("invalid", (form, work, element) => {
    // Pages ask for validity all the time; only what somebody tried to send was in error.
    if (performance.now() - work.tried > TRIED_MS) return;
    // The other fields are told in the same breath.
    if (!work.faults.size && work.errors++ < MOST) setTimeout(fault, 0, form, work);
    blame(work, element);
  });

  const marked = (form: HTMLFormElement, { faults }: Work): void => {
    for (const field of inside(form, MARKED).slice(0, 30)) faults.set(fieldName(field), "aria-invalid");
  };

  on("submit", (form, work, _, event) => {
    const props = told(form, work);
    // Before the page may empty the form: what HTML's own rules would not let go.
    const wrong = form.noValidate ? fieldsIn(form).filter(({ willValidate, validity }) => willValidate && !validity.valid) : [];
    const send = (): void => {
      if (work.send !== send) return;
      work.send = undefined;
      work.done = true;
      api.send("form_submit", props);
      explicit(form, api.send, { form: props.form });
      setTimeout(() => {
        marked(form, work);
        work.errors++;
        if (form.isConnected) fault(form, work);
      }, ANSWER_MS);
    };
    const refuse = (): void => {
      work.send = undefined;
      work.errors++;
      fault(form, work);
    };
    work.send = send;
    setTimeout(() => {
      if (!event.defaultPrevented) return send();
      wrong.forEach((field) => blame(work, field));
      if (work.faults.size) return refuse();
      setTimeout(() => {
        if (work.send !== send) return; // the page was left
        marked(form, work);
        if (work.faults.size && form.isConnected) refuse();
        else send();
      }, TRIED_MS);
    });
  });

  api.on("leave", () =>
    works.forEach((work, form) => {
      work.send?.();
      if (!work.started || work.done) return;
      work.done = true;
      api.send("form_abandon", told(form, work), { interactive: false });
    }),
  );
};
