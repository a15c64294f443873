/** Small windows: a question, a choice, an explanation; and words that pass by. */

import { button, element, fill } from "./dom.js";

/**
 * Show a window; Escape and a click beside it close it.
 *
 * @param {string} title
 * @param {Node[]} content
 * @param {{wide?: boolean}} [look]
 * @returns {{node: HTMLDialogElement, close: Function, closed: Promise<string>}}
 */
export function open(title, content, { wide = false } = {}) {
  const heading = element("h2", { id: `dialog-${++opened}` }, title);
  const node = element(
    "dialog.dialog",
    { "aria-labelledby": heading.id, class: wide ? "dialog wide" : "dialog" },
    element(
      "div.dialog-head",
      {},
      heading,
      button("Close", () => node.close(), { icon: "close", kind: "icon" }),
    ),
    element("div.dialog-body", {}, content),
  );
  const closed = new Promise((resolve) => {
    node.addEventListener("close", () => {
      node.remove();
      resolve(node.returnValue);
    });
  });
  node.addEventListener("click", (event) => event.target === node && node.close());
  document.body.append(node);
  node.showModal();
  return { node, close: (value) => node.close(value), closed };
}

let opened = 0;

/**
 * Ask for words.
 *
 * @param {string} title
 * @param {{label: string, value?: string, act: string, type?: string, note?: string,
 *   suggestions?: string[]}} asked
 * @returns {Promise<string>} trimmed; empty where the person closed the window
 */
export async function askWords(title, { label, value = "", act, type = "text", note, suggestions }) {
  const list = suggestions?.length ? `suggestions-${++opened}` : null;
  const field = element("input.field", {
    type, value, list, id: `words-${++opened}`, autocomplete: "off", maxlength: 500, required: true,
  });
  const form = element(
    "form.form",
    {
      on: {
        submit: (event) => {
          event.preventDefault();
          if (field.value.trim()) shown.close(field.value.trim());
        },
      },
    },
    element("label", { for: field.id }, label),
    field,
    list && element("datalist", { id: list }, suggestions.map((one) => element("option", { value: one }))),
    note && element("p.note", {}, note),
    element("div.form-end", {}, element("button.button.primary", { type: "submit" }, act)),
  );
  const shown = open(title, [form]);
  field.focus();
  field.select();
  return shown.closed;
}

/** Ask for an API key; empty where the person closed the window. */
export function askForKey(wrong) {
  return askWords("This library asks for a key", {
    label: "API key",
    type: "password",
    act: "Open the library",
    note: wrong
      ? "The last key was not accepted. Keys are made with: sensorium keys create"
      : "Kept in this tab only. Keys are made with: sensorium keys create",
  });
}

/** Ask before something is done that cannot be undone. */
export async function confirmed(title, sentence, act) {
  const yes = button(act, () => shown.close("yes"), { kind: "danger" });
  const shown = open(title, [element("p", {}, sentence), element("div.form-end", {}, yes)]);
  return (await shown.closed) === "yes";
}

/**
 * Let words pass by at the foot of the window; screen readers say them.
 *
 * @param {string} sentence
 * @param {{act?: string, press?: Function}} [offer] one thing to do about it
 */
export function say(sentence, { act, press } = {}) {
  const place = document.getElementById("notices");
  const notice = element(
    "div.notice",
    {},
    element("span", {}, sentence),
    act ? button(act, () => { notice.remove(); press(); }, { kind: "quiet" }) : null,
  );
  fill(place, notice);
  setTimeout(() => notice.remove(), act ? 9000 : 5000);
}

/** Say what went wrong; what was called off is not said. */
export function sayProblem(error) {
  if (error.name === "AbortError") return;
  say([error.message, error.hint].filter(Boolean).join(" "));
}
