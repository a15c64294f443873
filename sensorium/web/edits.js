/** Mending albums: names, merging, splitting, and moving an item to where it belongs. */

import { ask } from "./api.js";
import { askWords, open, say, sayProblem } from "./dialogs.js";
import { button, element, fill } from "./dom.js";
import { nameOf } from "./words.js";

const DRAGGED = "application/x-sensorium-item";

let dragged = null;

function viewPath(view) {
  return `/v1/views/${encodeURIComponent(view)}`;
}

async function edit(work) {
  try {
    await work();
    return true;
  } catch (error) {
    sayProblem(error);
    return false;
  }
}

/** Ask for another name of an album; gives whether it has one now. */
export async function rename(view, cluster) {
  const name = await askWords("Rename album", { label: "Name", value: cluster.name, act: "Rename" });
  if (!name || name === cluster.name) return false;
  return edit(() => ask(`${viewPath(view)}/clusters/${cluster.cluster_id}`, { method: "PATCH", body: { name } }));
}

/** Make one album of several; gives whether it is done. */
export async function merge(view, clusters) {
  const name = await askWords(`Merge ${clusters.length} albums`, {
    label: "Name of the album that they become", value: clusters[0].name, act: "Merge",
    suggestions: clusters.map((one) => one.name),
  });
  if (!name) return false;
  const ids = clusters.map((one) => one.cluster_id);
  return edit(() => ask(`${viewPath(view)}/merge`, { body: { clusters: ids, name } }));
}

/** Make two albums of one; gives whether it is done. */
export function split(view, cluster) {
  return edit(() => ask(`${viewPath(view)}/split`, { body: { cluster: cluster.cluster_id, parts: 2 } }));
}

/** Put an item into an album, where it then stays; gives whether it is done. */
export async function move(view, item, cluster) {
  const body = { item_id: item.item_id, cluster: cluster.cluster_id };
  say(`Moving ${nameOf(item)} to ${cluster.name}…`);
  const done = await edit(() => ask(`${viewPath(view)}/pin`, { body }));
  if (done) say(`${nameOf(item)} is in ${cluster.name} now, and stays there.`);
  return done;
}

/** Ask which album an item belongs to; gives the album, or null. */
export async function chooseAlbum(item, clusters) {
  let chosen = null;
  const list = element("ul.choose", {}, clusters.map((one) =>
    element("li", {}, button(one.name, () => {
      chosen = one;
      shown.close();
    }, { kind: "quiet" }))));
  const shown = open(`Move “${nameOf(item)}” to`, [list]);
  await shown.closed;
  return chosen;
}

/**
 * Let a tile be dragged to another album.
 *
 * @param {HTMLElement} tile
 * @param {Object} item
 * @param {Object} from album that it is in
 */
export function draggable(tile, item, from) {
  tile.draggable = true;
  tile.addEventListener("dragstart", (event) => {
    dragged = { item, from };
    event.dataTransfer.setData(DRAGGED, item.item_id);
    event.dataTransfer.effectAllowed = "move";
    setTimeout(() => document.body.classList.add("dragging"));
  });
  tile.addEventListener("dragend", () => {
    dragged = null;
    document.body.classList.remove("dragging");
  });
}

/**
 * Let tiles be dropped on an element.
 *
 * @param {HTMLElement} target
 * @param {Object} cluster album that the element stands for
 * @param {(item: Object, from: Object, to: Object) => void} drop
 */
export function dropTarget(target, cluster, drop) {
  let depth = 0;
  const welcome = () => dragged && dragged.from.cluster_id !== cluster.cluster_id;
  const mark = (change) => {
    depth = change === 0 ? 0 : depth + change;
    target.classList.toggle("drop-here", depth > 0);
  };
  target.addEventListener("dragenter", () => welcome() && mark(1));
  target.addEventListener("dragleave", () => welcome() && mark(-1));
  target.addEventListener("dragover", (event) => welcome() && event.preventDefault());
  target.addEventListener("drop", (event) => {
    if (!welcome()) return;
    event.preventDefault();
    mark(0);
    drop(dragged.item, dragged.from, cluster);
  });
  return target;
}

/** A bar of all albums to drop on, which is there while something is dragged. */
export function dock(clusters, drop) {
  const targets = clusters.map((one) => dropTarget(element("span.dock-album", {}, one.name), one, drop));
  return fill(element("div.dock", { "aria-hidden": "true" }), element("b", {}, "Move to"), targets);
}
