/** What stands where answers are not, or not yet: waiting, nothing, and problems. */

import { button, element, fill, icon } from "./dom.js";

/** A row of grey tiles while answers are on their way. */
export function waiting(tiles = 12) {
  const rows = Array.from({ length: tiles }, () => element("div.ghost", {}, element("div.ghost-picture"), element("div.ghost-line")));
  return element("div.ghosts", { role: "status", "aria-label": "Loading" }, rows);
}

/**
 * Say that there is nothing, and what to do about it.
 *
 * @param {string} picture name of an icon
 */
export function nothing(picture, title, sentence, ...acts) {
  return element(
    "div.nothing",
    {},
    icon(picture),
    element("h2", {}, title),
    element("p", {}, sentence),
    acts.length ? element("div.row.centred", {}, acts) : null,
  );
}

/** Say what went wrong, what helps, and offer to try again. */
export function problem(error, again) {
  return element(
    "div.problem",
    { role: "alert" },
    element("h2", {}, sentenceCase(error.message)),
    error.hint ? element("p", {}, sentenceCase(error.hint)) : null,
    again ? button("Try again", again, { icon: "retry" }) : null,
  );
}

function sentenceCase(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * Fill a place with what a promise gives; meanwhile it waits, and a problem takes its place.
 *
 * @param {HTMLElement} place
 * @param {() => Promise<Node|Node[]>} work
 * @param {Node} [meanwhile]
 */
export async function into(place, work, meanwhile = waiting()) {
  fill(place, meanwhile);
  place.setAttribute("aria-busy", "true");
  try {
    const made = await work();
    if (made !== undefined) fill(place, made);
  } catch (error) {
    if (error.name !== "AbortError") fill(place, problem(error, () => into(place, work, meanwhile)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** The notes of an answer, such as that no ranker was learnt. */
export function notes(lines) {
  if (!lines?.length) return null;
  return element("ul.notes", {}, lines.map((line) => element("li", {}, line)));
}
