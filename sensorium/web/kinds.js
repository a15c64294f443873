/** Kinds of items: their filters, and the links that choose one. */

import { element } from "./dom.js";
import { KINDS } from "./words.js";

/** Filters by kind, in the language of the service. */
export const KIND_FILTERS = {
  image: "has_image and not has_video",
  video: "has_video",
  audio: "has_audio and not has_video",
  text: "has_text and not has_image and not has_video and not has_audio",
};

/** Links that choose a kind; the chosen one is marked. */
export function kindChips(chosen, addressOf) {
  const kinds = [["", "Everything"], ...Object.entries(KINDS).map(([kind, name]) => [kind, `${name}s`])];
  return element(
    "nav.chips",
    { "aria-label": "Kinds" },
    kinds.map(([kind, name]) =>
      element("a.chip", { href: addressOf(kind), "aria-current": kind === chosen ? "true" : null }, name),
    ),
  );
}
