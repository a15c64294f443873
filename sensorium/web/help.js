/** The keys of the page. */

import { open } from "./dialogs.js";
import { element } from "./dom.js";

const KEYS = [
  ["/", "search"],
  ["← → ↑ ↓", "go from one item to the next"],
  ["Enter", "open it"],
  ["Esc", "go back, or close a window"],
  ["s", "what is similar"],
  ["l", "like"],
  ["x", "skip, in a feed"],
  ["w", "why it is here"],
  ["m", "move it to another album"],
  ["n", "next page of a feed"],
  ["?", "these keys"],
];

/** Show them. */
export function showHelp() {
  open("Keys", [
    element("dl.keys", {}, KEYS.map(([key, says]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, says)])),
    element("p.note", {}, "Drop or paste a picture, a sound or a clip anywhere to search by it. Hover over a clip to look through it."),
  ]);
}
