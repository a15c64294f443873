/** The library as it is: every item, by kind. */

import { button, element, fill } from "./dom.js";
import { KIND_FILTERS, kindChips } from "./kinds.js";
import { more, paged } from "./pages.js";
import { resultsOf } from "./results.js";
import { to } from "./routes.js";
import { into, nothing } from "./states.js";
import { pickFiles } from "./upload.js";

const PAGE = 200;

/** @param {import("./routes.js").Route} route */
export function show(route) {
  const kind = route.query.get("kind") ?? "";
  const filter = KIND_FILTERS[kind] ?? "";
  const call = new AbortController();
  const pages = paged("/v1/items", "items", { n: PAGE, filter }, call.signal);
  const gallery = resultsOf("Items", { onEnd: () => more(pages, gallery) });
  const place = element("div");
  const node = element(
    "div.screen",
    {},
    element("h1.unseen", {}, "Library"),
    kindChips(kind, (one) => to("library", [], { kind: one })),
    place,
  );
  into(place, async () => {
    const items = await pages.next();
    if (!items.length) return empty(kind);
    fill(place, gallery.node);
    gallery.setItems(items);
    gallery.enter();
  });
  return { title: "Library", node, gallery, leave: () => gallery.leave(), enter: () => gallery.enter() };
}

function empty(kind) {
  if (kind) return nothing(kind, "None of these", "This library holds nothing of this kind.");
  const add = button("Add files", pickFiles, { icon: "add", kind: "primary" });
  return nothing("library", "Nothing here yet", "Drop photos, clips, sounds or texts anywhere on this page.", add);
}
