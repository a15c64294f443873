/** A gallery of search answers or items, with similar, like and why on every tile. */

import { Gallery } from "./gallery.js";
import { isLiked, like } from "./reactions.js";
import { go, to } from "./routes.js";
import { pressed, tileOf } from "./tile.js";
import { whyFound } from "./why.js";
import { KINDS, percent } from "./words.js";

/**
 * Make a gallery of items.
 *
 * @param {string} label
 * @param {{asked?: string, onEnd?: () => void}} [having] `asked` names the question; with it tiles say
 *   their relevance and why they were found
 * @returns {Gallery}
 */
export function resultsOf(label, { asked = "", onEnd } = {}) {
  const gallery = new Gallery({ label, make, onEnd, onKey: pressed });

  function make(item, index) {
    const acts = [
      { name: "similar", key: "s", label: "Similar", icon: "similar", press: () => go(to("similar", [item.item_id])) },
      {
        name: "like", key: "l", label: "Like", icon: "like", on: isLiked(item.item_id),
        press: async () => (await like(item)) && gallery.renew(index),
      },
    ];
    if (asked) acts.push({ name: "why", key: "w", label: "Why", icon: "why", press: () => whyFound(item, asked) });
    return tileOf(item, { acts, line: lineOf(item) });
  }
  return gallery;
}

function lineOf(item) {
  const kind = KINDS[item.kind] ?? "";
  if (item.state && item.state !== "ready") return `${kind} · ${item.state}`;
  return item.relevance === undefined ? kind : `${kind} · ${percent(item.relevance)} relevant`;
}
