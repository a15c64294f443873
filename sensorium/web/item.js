/** One item: its media, its moments, what it is made of, where it belongs, and what is like it. */

import { get, inPath, loadable, mediaPath } from "./api.js";
import { weights } from "./charts.js";
import { button, element, fill } from "./dom.js";
import { isLiked, like } from "./reactions.js";
import { resultsOf } from "./results.js";
import { go, to } from "./routes.js";
import { into, problem, waiting } from "./states.js";
import { describe } from "./tile.js";
import { seek, timelineOf } from "./timeline.js";
import { waveformOf } from "./waveform.js";
import { KINDS, bytes, clock, nameOf } from "./words.js";

const MOST_SIMILAR = 12;

/** @param {import("./routes.js").Route} route */
export function show(route) {
  const id = route.parts[0] ?? "";
  const call = new AbortController();
  const gallery = resultsOf("Similar items", { asked: "this item" });
  const place = element("div");
  const node = element("div.screen.item", {}, place);
  into(place, async () => {
    const item = await get(`/v1/items/${inPath(id)}`, {}, call.signal);
    const media = await mediaOf(item, Number(route.query.get("at") ?? NaN), call.signal);
    const similar = element("section.part.wide");
    into(similar, () => similarTo(item, gallery, similar, call.signal), waiting(6));
    return [element("div.item-main", {}, media, aside(item)), similar];
  }, waiting(1));
  return {
    title: id.split("/").pop(), node, gallery,
    leave: () => {
      for (const player of node.querySelectorAll("video, audio")) player.pause();
      gallery.leave();
    },
    enter: () => gallery.enter(),
  };
}

async function mediaOf(item, at, signal) {
  const made = [];
  for (const medium of item.media) made.push(await shown(item, medium, at, signal));
  if (item.text) made.push(element("div.reading", { lang: item.lang || null }, item.text));
  return element("div.item-media", {}, made);
}

async function shown(item, medium, at, signal) {
  const address = await loadable(mediaPath(item.item_id, medium.index), signal);
  if (medium.kind === "image") return element("img.still", { src: address, alt: describe(item) });
  if (medium.kind !== "video" && medium.kind !== "audio") return null;
  const player = element(medium.kind, { src: address, controls: true, preload: "metadata", "aria-label": describe(item) });
  const unplayable = element("p.note", { hidden: true }, "This browser cannot play this file.");
  player.addEventListener("error", () => (unplayable.hidden = false));
  const wave = element("div.wave-place");
  if (medium.kind === "audio") waveformOf(item.item_id, signal, medium.index).then((wave_) => wave_ && fill(wave, wave_), () => {});
  if (Number.isFinite(at)) seek(player, at);
  const segments = item.segments ?? [];
  const moments = segments.length ? timelineOf(player, segments, item.duration_seconds ?? 0) : null;
  return element("div.player", {}, medium.kind === "audio" ? wave : null, player, unplayable, moments);
}

function aside(item) {
  return element(
    "div.item-side",
    {},
    element("p.eyebrow", {}, [KINDS[item.kind], item.duration_seconds > 0 && clock(item.duration_seconds)].filter(Boolean).join(" · ")),
    element("h1", {}, nameOf(item)),
    tags(item),
    acts(item),
    item.state === "ready" ? null : element("p.note", {}, `This item is ${item.state}.`),
    part("What each modality says about it", weights(item.modality_weights)),
    part("Albums", albums(item)),
    part("Details", details(item)),
  );
}

function tags(item) {
  if (!item.tags?.length) return null;
  return element("ul.tags", { "aria-label": "Tags" }, item.tags.map((tag) => element("li", {}, element("a.chip", { href: to("search", [], { text: tag }) }, tag))));
}

function acts(item) {
  const liked = isLiked(item.item_id);
  const heart = button(liked ? "Liked" : "Like", async () => {
    if (await like(item)) {
      heart.setAttribute("aria-pressed", "true");
      heart.querySelector("span").textContent = "Liked";
    }
  }, { icon: "like", kind: "primary", having: { "aria-pressed": String(liked), data: { act: "like" } } });
  return element(
    "div.row",
    {},
    heart,
    button("Similar", () => go(to("similar", [item.item_id])), { icon: "similar", having: { data: { act: "similar" } } }),
    button("Search with it", () => go(to("search", [], { like: [item.item_id] })), { icon: "search" }),
  );
}

function albums(item) {
  const rows = Object.entries(item.clusters ?? {});
  if (!rows.length) return null;
  return element("ul.plain-list", {}, rows.map(([view, cluster]) =>
    element("li", {}, element("a", { href: to("albums", [view]) }, view), element("span.muted", {}, ` → ${cluster}`))));
}

function details(item) {
  const rows = [
    ["Id", item.item_id],
    ["Made", item.created_at && new Date(item.created_at).toLocaleString()],
    ["Language", item.lang],
    ["Size", item.media.length && bytes(item.media.reduce((sum, one) => sum + (one.size_bytes ?? 0), 0))],
    ["Repeats", item.duplicate_of && element("a", { href: to("item", [item.duplicate_of]) }, item.duplicate_of)],
    ...Object.entries(item.attrs ?? {}).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  ].filter(([, value]) => value);
  return element("dl.details", {}, rows.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function part(title, content) {
  return content ? element("section.part", {}, element("h2", {}, title), content) : null;
}

async function similarTo(item, gallery, place, signal) {
  const title = element("h2", {}, "Similar");
  try {
    const answer = await get(`/v1/items/${inPath(item.item_id)}/similar`, { n: MOST_SIMILAR }, signal);
    if (!answer.items.length) return [title, element("p.muted", {}, "Nothing in this library is much like it.")];
    fill(place, title, gallery.node);
    gallery.setItems(answer.items);
    gallery.enter();
    return undefined;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return [title, problem(error)];
  }
}
