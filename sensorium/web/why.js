/** Why an item was found or recommended, in a small window. */

import { parts, weights } from "./charts.js";
import { open } from "./dialogs.js";
import { element } from "./dom.js";
import { to } from "./routes.js";
import { clock, nameOf, percent } from "./words.js";

const FIELDS = {
  joint: "everything it holds, taken together", video: "its moving picture", image: "its picture",
  audio: "its sound", text: "its words",
};

/** Explain a search's answer. */
export function whyFound(hit, asked) {
  const where = FIELDS[hit.field] ?? (hit.field ? `its ${hit.field} vectors` : "its vectors");
  const moment = Number.isFinite(hit.start_seconds ?? NaN)
    ? ` The moment from ${clock(hit.start_seconds)} to ${clock(hit.end_seconds)} fits best.`
    : "";
  const sentence = `It fits ${asked} by ${where}.${moment}`;
  open(`Why “${nameOf(hit)}”`, [
    element("p.lead", {}, sentence),
    element("div.figure-row", {}, figure(percent(hit.relevance), "relevance: how far it stands out from what fits by chance")),
    section("What says what it is about", weights(hit.modality_weights)),
  ]);
}

/** Explain a recommendation. */
export function whyRecommended(pick) {
  const source = Object.entries(pick.sources ?? {}).map(([name, place]) => `${name} (place ${place + 1})`);
  const behind = pick.reason.history_item;
  open(`Why “${nameOf(pick)}”`, [
    element("p.lead", {}, pick.reason.text),
    behind ? element("p", {}, element("a", { href: to("item", [behind]) }, "Open what you liked")) : null,
    section("What its score is the sum of", parts(pick.parts)),
    source.length ? section("Named by", element("p", {}, source.join(", "))) : null,
  ]);
}

function figure(number, says) {
  return element("div.figure", {}, element("b", {}, number), element("span", {}, says));
}

function section(title, content) {
  return content ? element("section.part", {}, element("h3", {}, title), content) : null;
}
