/** Answers to a question, and the question as chips that can be taken away. */

import { get, inPath } from "./api.js";
import { addressOf, answerTo, askedBy, inWords, isAsked, keptFile } from "./asking.js";
import { button, element, fill, icon } from "./dom.js";
import { kindChips } from "./kinds.js";
import { resultsOf } from "./results.js";
import { go, to } from "./routes.js";
import { into, notes, nothing } from "./states.js";
import { count, nameOf } from "./words.js";

const MOST_SIMILAR = 100;

/** @param {import("./routes.js").Route} route */
export function show(route) {
  const asked = askedBy(route.query);
  const call = new AbortController();
  const gallery = resultsOf("Search results", { asked: inWords(asked) });
  const place = element("div");
  const head = element("div.search-head", {}, kindChips(asked.kind, (kind) => addressOf({ ...asked, kind })), momentsChip(asked));
  const node = element("div.screen", {}, element("h1.unseen", {}, "Search"), partsOf(asked), head, place);
  into(place, async () => {
    if (asked.drop.some((number) => !keptFile(number))) return lost(asked);
    if (!isAsked(asked)) return nothing("search", "Ask for anything", "Type words, or drop a picture, a sound or a clip onto this page.");
    const answer = await answerTo(asked, call.signal);
    return answered(answer, gallery, place, asked);
  });
  return screen(asked.text || "Search", node, gallery, () => call.abort());
}

/** What is like one item. */
export function showSimilar(route) {
  const id = route.parts[0] ?? "";
  const call = new AbortController();
  const title = element("a", { href: to("item", [id]) }, id.split("/").pop());
  const gallery = resultsOf("Similar items", { asked: `what ${id.split("/").pop()} is like` });
  const place = element("div");
  const node = element("div.screen", {}, element("h1", {}, "Similar to ", title), place);
  get(`/v1/items/${inPath(id)}`, {}, call.signal).then((item) => fill(title, nameOf(item)), () => {});
  into(place, async () => {
    const answer = await get(`/v1/items/${inPath(id)}/similar`, { n: MOST_SIMILAR }, call.signal);
    return answered(answer, gallery, place, null);
  });
  return screen("Similar", node, gallery, () => call.abort());
}

function screen(title, node, gallery, stop) {
  return {
    title, node, gallery,
    leave: () => (stop(), gallery.leave()),
    enter: () => gallery.enter(),
  };
}

function answered(answer, gallery, place, asked) {
  const withheld = withheldLine(answer.withheld, asked);
  if (!answer.items.length) {
    return [nothing("search", "No good match", "Nothing in this library fits well enough to be shown."), withheld, notes(answer.notes)];
  }
  const took = Number.isFinite(answer.took_ms) ? ` in ${Math.max(1, Math.round(answer.took_ms))} ms` : "";
  const line = element("p.result-line", { role: "status" }, `${count(answer.items.length, "result")}${took}`);
  fill(place, line, notes(answer.notes), gallery.node, withheld);
  gallery.setItems(answer.items);
  gallery.enter();
  return undefined;
}

function withheldLine(number, asked) {
  if (!number) return null;
  const all = asked && button("Show them anyway", () => go(addressOf({ ...asked, all: true })), { kind: "quiet" });
  return element("p.withheld", {}, `${count(number, "weaker match", "weaker matches")} not shown. `, all);
}

function lost(asked) {
  const without = button("Search without it", () => go(addressOf({ ...asked, drop: [] }), { replace: true }));
  return nothing("image", "The dropped file is gone", "Dropped files are kept while this page is open. Drop it again to search by it.", asked.text ? without : null);
}

function momentsChip(asked) {
  return element(
    "a.chip",
    { href: addressOf({ ...asked, moments: !asked.moments }), "aria-current": asked.moments ? "true" : null },
    "Moments within clips and sounds",
  );
}

function partsOf(asked) {
  const parts = [
    ...asked.drop.filter(keptFile).map((number) => fileChip(asked, number)),
    ...asked.like.map((id) => part("similar", `like ${id.split("/").pop()}`, () => ({ ...asked, like: asked.like.filter((one) => one !== id) }))),
    ...asked.not.map((words) => part("close", `not ${words}`, () => ({ ...asked, not: asked.not.filter((one) => one !== words) }))),
    ...(asked.filter ? [part("interests", asked.filter, () => ({ ...asked, filter: "" }))] : []),
  ];
  return parts.length ? element("ul.asked", { "aria-label": "Parts of the question" }, parts) : null;
}

function fileChip(asked, number) {
  const { file, part: kind, address } = keptFile(number);
  const shown = kind === "image" ? element("img", { src: address, alt: "" }) : icon(kind);
  return part(shown, file.name || "pasted picture", () => ({ ...asked, drop: asked.drop.filter((one) => one !== number) }));
}

function part(sign, words, without) {
  return element(
    "li.asked-part",
    {},
    typeof sign === "string" ? icon(sign) : sign,
    element("span", {}, words),
    button(`Take away: ${words}`, () => {
      const left = without();
      go(isAsked(left) ? addressOf(left) : to("library"));
    }, { icon: "close", kind: "icon" }),
  );
}
