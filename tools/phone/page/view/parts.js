/** What several screens are made of. */

import { fill, h, icon } from "./dom.js";

let lastId = 0;

export const title = (text) => h("h1", { tabindex: "-1" }, text);

/** A host's name that breaks behind its dots, where it must. */
export const host = (name) => name.split(/(?<=\.)/).flatMap((label) => [label, h("wbr")]);

export const lead = (...text) => h("p.lead", {}, ...text.flat());

export const button = (text, onclick, kind = "secondary", attributes = {}) =>
  h(`button.button.${kind}`, { type: "button", onclick, ...attributes }, text);

/** The bar at the thumb: the one thing to do next, and at most two others. */
export const actions = (...buttons) => h("div.actions", {}, ...buttons);

/** The same for several ways on, the best one first. */
export const ways = (...buttons) => h("div.actions.stacked", {}, ...buttons);

/** A sentence in a box; `kind`: "info", "warning", "problem", "good". */
export const note = (kind, ...text) =>
  h(
    `div.note.${kind}`,
    {},
    icon(kind === "good" ? "check" : kind === "info" ? "info" : "alert"),
    h("div", {}, ...text),
  );

/**
 * A labelled text field: {element, input, value, check()}. `check(value)` gives "" or what is wrong, which is shown
 * below and read out; it is asked when the field is left and when `check()` is called.
 */
export function field({ label, hint = "", check = () => "", suffix = null, required = false, ...attributes }) {
  const id = `field-${++lastId}`;
  const problem = h("p.field-problem", { id: `${id}-problem`, role: "alert" });
  const plain = { id, autocomplete: "off", autocapitalize: "none", spellcheck: "false", type: "text" };
  const described = `${id}-problem ${id}-hint`;
  const input = h("input", { ...plain, "aria-describedby": described, "aria-required": required, ...attributes });
  const validate = () => {
    const wrong = check(input.value);
    problem.textContent = wrong;
    input.setAttribute("aria-invalid", wrong ? "true" : "false");
    return !wrong;
  };
  input.addEventListener("change", () => input.value && validate());
  input.addEventListener("input", () => input.getAttribute("aria-invalid") === "true" && validate());
  const element = h(
    "div.field",
    {},
    h("label", { for: id }, label),
    h("div.field-box", {}, input, suffix),
    hint ? h("p.field-hint", { id: `${id}-hint` }, hint) : null,
    problem,
  );
  return {
    element,
    input,
    check: validate,
    get value() {
      return input.value;
    },
  };
}

/** A field for a password, with an eye. */
export function passwordField(options) {
  const eye = h("button.eye", { type: "button", "aria-pressed": "false", "aria-label": "Show the password" });
  const made = field({ type: "password", suffix: eye, ...options });
  const show = (visible) => {
    made.input.type = visible ? "text" : "password";
    eye.setAttribute("aria-pressed", String(visible));
    fill(eye, icon(visible ? "eye-off" : "eye"));
  };
  eye.addEventListener("click", () => show(made.input.type === "password"));
  show(false);
  return made;
}

/** Check all fields; the first wrong one gets the focus. True when all are fine. */
export function allFine(...fields) {
  const wrong = fields.filter((one) => !one.check());
  wrong[0]?.input.focus();
  return wrong.length === 0;
}

/** One of several, as cards: `choices` [{value, label, text}]. */
export function choice(name, legend, choices, chosen, onChange) {
  const cards = choices.map(({ value, label, text }) => {
    const input = h("input", {
      type: "radio",
      name,
      value,
      checked: value === chosen,
      onchange: () => onChange(value),
    });
    return h("label.card-choice", {}, input, h("span", {}, h("strong", {}, label), h("small", {}, text)));
  });
  return h("fieldset.choices", {}, h("legend", {}, legend), ...cards);
}

/**
 * Steps that happen one after the other, each waiting, at work or done: {element, begin(key), detail(text)}. `begin`
 * returns the step's label, `detail` says more about the one at work.
 */
export function stepList(steps) {
  const rows = steps.map(({ key, label }) => {
    const mark = h("span.mark", {}, icon("dot"));
    const detail = h("small.detail");
    const row = h("li.wait", {}, mark, h("div", {}, h("span.step-label", {}, label), detail));
    return { key, label, mark, row, detail };
  });
  const set = (one, state) => {
    one.row.className = state;
    one.detail.textContent = "";
    if (state === "now") one.row.setAttribute("aria-current", "step");
    else one.row.removeAttribute("aria-current");
    fill(one.mark, state === "done" ? icon("check", "done") : state === "now" ? h("span.spinner") : icon("dot"));
  };
  const begin = (key) => {
    const at = rows.findIndex((one) => one.key === key);
    if (at < 0) return "";
    rows.forEach((one, place) => set(one, place < at ? "done" : place === at ? "now" : "wait"));
    return rows[at].label;
  };
  const detail = (text) => {
    const current = rows.find((one) => one.row.className === "now");
    if (current) current.detail.textContent = text;
  };
  return {
    element: h(
      "ol.happening",
      {},
      rows.map((one) => one.row),
    ),
    begin,
    detail,
  };
}
