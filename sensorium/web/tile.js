/** One item in a gallery: its picture, its name, a line below, and what can be done with it. */

import { loadable, thumbnailPath } from "./api.js";
import { button, element, icon } from "./dom.js";
import { scrubbed, soundButton } from "./players.js";
import { to } from "./routes.js";
import { waveformOf } from "./waveform.js";
import { KINDS, clock, nameOf } from "./words.js";

const DRAW_MS = 200;

/**
 * Make the picture of an item: its thumbnail, or paper for words and a sign for sounds.
 *
 * @param {Object} item
 * @param {{described?: boolean}} [look] false where the name stands beside the picture anyway
 * @returns {HTMLElement}
 */
export function pictureOf(item, { described = true } = {}) {
  const name = nameOf(item);
  const pictured = item.has_thumbnail ?? (item.kind === "image" || item.kind === "video");
  if (pictured) return photograph(item, described ? describe(item) : "");
  if (item.kind === "text") {
    const words = element("span.paper-words", {}, name);
    if (item.text) words.append(element("span.paper-text", {}, item.text.slice(0, 220)));
    return element("div.picture.paper", {}, words);
  }
  const sign = element("div.picture.sign", { data: { kind: item.kind ?? "" } }, icon(item.kind || "text"));
  if (item.kind === "audio") drawSoon(sign, item);
  return sign;
}

/** Put the shape of a sound in place of its sign, unless the tile is gone by then. */
function drawSoon(sign, item) {
  const call = new AbortController();
  const waiting = setTimeout(async () => {
    const shape = await waveformOf(item.item_id, call.signal).catch(() => null);
    if (shape) sign.replaceChildren(shape);
  }, DRAW_MS);
  sign.addEventListener("gone", () => {
    clearTimeout(waiting);
    call.abort();
  });
}

function photograph(item, words) {
  const picture = element("img", { alt: words, decoding: "async", draggable: "false" });
  const holder = element("div.picture", {}, picture);
  const call = new AbortController();
  picture.addEventListener("load", () => picture.classList.add("seen"));
  picture.addEventListener("error", () => {
    if (picture.src) holder.replaceChildren(icon(item.kind || "image"));
  });
  holder.addEventListener("gone", () => {
    call.abort();
    picture.removeAttribute("src");
  });
  loadable(thumbnailPath(item.item_id), call.signal).then(
    (address) => (picture.src = address),
    () => {},
  );
  return holder;
}

/** @returns {string} words for who cannot see the picture */
export function describe(item) {
  return `${KINDS[item.kind] ?? "Item"}: ${nameOf(item)}`;
}

/**
 * Make a tile.
 *
 * @param {Object} item with item_id, title, kind, has_thumbnail
 * @param {{line?: Node|Node[]|string|null, acts?: Array, href?: string, marks?: Node[]}} [look] the line below
 *   the name; buttons as {name, label, icon, press, on}; where the tile leads
 */
export function tileOf(item, { line = null, acts = [], href, marks = [] } = {}) {
  const name = nameOf(item);
  const picture = pictureOf(item, { described: false });
  const link = element(
    "a.tile-link",
    { href: href ?? to("item", [item.item_id], { at: item.start_seconds }), "aria-label": describe(item), draggable: "false" },
    picture,
    badges(item),
  );
  const tile = element(
    "article.tile",
    { data: { kind: item.kind ?? "", id: item.item_id } },
    element("div.tile-top", {}, link, item.kind === "audio" && !item.quiet ? soundButton(item, name) : null, actionsOf(acts), marks),
    element(
      "div.caption",
      {},
      element("div.tile-name", { title: name, "aria-hidden": "true" }, name),
      line ? element("div.tile-line", {}, line) : null,
    ),
  );
  if (item.kind === "video") scrubbed(picture, item);
  tile.addEventListener("gone", () => picture.dispatchEvent(new Event("gone")));
  return tile;
}

function badges(item) {
  const moment = Number.isFinite(item.start_seconds ?? NaN);
  const length = Number.isFinite(item.duration_seconds ?? NaN) && item.duration_seconds > 0;
  const words = moment
    ? `${clock(item.start_seconds)}–${clock(item.end_seconds)}`
    : length
      ? clock(item.duration_seconds)
      : "";
  const plain = item.kind === "image" || item.kind === "text" || item.kind === "audio";
  if (plain && !words) return null;
  return element("span.badge", {}, plain ? null : icon(item.kind), words ? element("span", {}, words) : null);
}

function actionsOf(acts) {
  if (!acts.length) return null;
  return element(
    "div.tile-acts",
    {},
    acts.map((act) =>
      button(act.label, (event) => act.press(event.currentTarget), {
        icon: act.icon,
        kind: "icon",
        having: {
          data: { act: act.name },
          "aria-pressed": act.on === undefined ? null : String(act.on),
          "aria-keyshortcuts": act.key ?? null,
        },
      }),
    ),
  );
}

/** Press one of a tile's buttons by its name; gives whether there is one. */
export function act(tile, name) {
  const found = tile.querySelector(`[data-act="${name}"]`);
  found?.click();
  return Boolean(found);
}

/** Buttons by key, the same in every gallery. */
export const KEYS = { s: "similar", l: "like", x: "skip", w: "why" };

/** What a gallery does with keys on its tiles. */
export function pressed(key, _item, tile) {
  return key in KEYS ? act(tile, KEYS[key]) : false;
}
