/** One view as shelves, an album each; and one album as a gallery. */

import { get } from "./api.js";
import { button, element, fill } from "./dom.js";
import { chooseAlbum, dock, draggable, dropTarget, merge, move, rename, split } from "./edits.js";
import { Gallery } from "./gallery.js";
import { more, paged } from "./pages.js";
import { go, to } from "./routes.js";
import { into, waiting } from "./states.js";
import { pressed, tileOf } from "./tile.js";
import { count, percent } from "./words.js";

const ON_SHELF = 16;
const PAGE = 200;

/** @param {import("./routes.js").Route} route with the view, and perhaps the number of an album */
export function show(route) {
  const [view, number] = route.parts;
  return number ? new AlbumScreen(view, Number(number)).screen() : new ViewScreen(view).screen();
}

function viewPath(view) {
  return `/v1/views/${encodeURIComponent(view)}`;
}

class ViewScreen {
  constructor(view) {
    this.view = view;
    this.call = new AbortController();
    this.chosen = new Set();
    this.place = element("div.shelves");
    this.bar = element("div.select-bar", { hidden: true, role: "status" });
    this.sub = element("p.sub", {}, "");
  }

  screen() {
    const head = element(
      "header.head",
      {},
      element("div", {}, element("a.crumb", { href: to("albums") }, "Albums"), element("h1", {}, this.view), this.sub),
    );
    into(this.place, () => this.shelves(), waiting(8));
    return {
      title: this.view,
      node: element("div.screen", {}, head, this.place, this.bar),
      leave: () => this.call.abort(),
      stale: true,
    };
  }

  async shelves() {
    const detail = await get(viewPath(this.view), {}, this.call.signal);
    this.clusters = detail.clusters;
    this.chosen.clear();
    this.choose();
    this.sub.textContent = `${count(detail.size, "item")} in ${count(detail.clusters.length, "album")}. Drag an item to where it belongs; choose albums to merge them.`;
    const drop = (item, _from, cluster) => this.move(item, cluster);
    return [...detail.clusters.map((one) => this.shelf(one, drop)), dock(detail.clusters, drop)];
  }

  shelf(cluster, drop) {
    const strip = element("ul.strip", { "aria-label": `Items of ${cluster.name}`, "aria-busy": "true" });
    const box = element("input", {
      type: "checkbox", "aria-label": `Choose ${cluster.name}`,
      on: { change: () => this.choose(cluster, box.checked) },
    });
    const words = cluster.words.filter((word) => word !== cluster.name).slice(0, 4).join(", ");
    const shelf = element(
      "section.shelf",
      { "aria-label": cluster.name, data: { cluster: cluster.cluster_id } },
      element(
        "div.shelf-head",
        {},
        box,
        element("h2", {}, element("a", { href: to("albums", [this.view, cluster.cluster_id]) }, cluster.name)),
        element("span.muted", {}, [count(cluster.size, "item"), percent(cluster.share), words].filter(Boolean).join(" · ")),
        element(
          "div.shelf-acts",
          {},
          button(`Rename ${cluster.name}`, () => this.after(rename(this.view, cluster)), { icon: "edit", kind: "icon" }),
          cluster.size > 3 ? button("Split", () => this.after(split(this.view, cluster)), { kind: "quiet", having: { "aria-label": `Split ${cluster.name}` } }) : null,
          element("a.button.quiet", { href: to("albums", [this.view, cluster.cluster_id]), "aria-label": `See all of ${cluster.name}` }, "See all"),
        ),
      ),
      strip,
    );
    this.fillStrip(strip, cluster);
    return dropTarget(shelf, cluster, drop);
  }

  async fillStrip(strip, cluster) {
    const path = `${viewPath(this.view)}/clusters/${cluster.cluster_id}/items`;
    const { items } = await get(path, { n: ON_SHELF }, this.call.signal).catch(() => ({ items: [] }));
    fill(strip, items.map((item) => element("li", {}, this.tile(item, cluster))));
    strip.removeAttribute("aria-busy");
  }

  tile(item, cluster) {
    const acts = [{ name: "move", key: "m", label: `Move ${item.title || item.item_id}`, icon: "move", press: () => this.chooseFor(item, cluster) }];
    const tile = tileOf(item, { acts, marks: pinMark(item) });
    draggable(tile, item, cluster);
    return tile;
  }

  async chooseFor(item, from) {
    const cluster = await chooseAlbum(item, this.clusters.filter((one) => one !== from));
    if (cluster) this.move(item, cluster);
  }

  move(item, cluster) {
    this.after(move(this.view, item, cluster));
  }

  async after(work) {
    this.place.classList.add("saving");
    const done = await work;
    this.place.classList.remove("saving");
    if (!done) return;
    try {
      fill(this.place, await this.shelves());
    } catch (error) {
      if (error.name !== "AbortError") into(this.place, () => this.shelves());
    }
  }

  choose(cluster, yes) {
    if (cluster && yes) this.chosen.add(cluster);
    else if (cluster) this.chosen.delete(cluster);
    const chosen = [...this.chosen];
    this.bar.hidden = chosen.length < 2;
    fill(
      this.bar,
      element("span", {}, chosen.map((one) => one.name).join(" + ")),
      button("Merge", () => this.after(merge(this.view, chosen)), { kind: "primary" }),
    );
  }
}

function pinMark(item) {
  return item.pinned ? [element("span.pin", { title: "Put here by a person" }, "pinned")] : [];
}

class AlbumScreen {
  constructor(view, number) {
    this.view = view;
    this.number = number;
    this.call = new AbortController();
    this.place = element("div");
    this.title = element("h1", {}, "Album");
    this.sub = element("p.sub");
    this.acts = element("div.row");
    this.gallery = new Gallery({
      label: "Items of the album",
      make: (item) => this.tile(item),
      onEnd: () => more(this.pages, this.gallery),
      onKey: (key, item, tile) => (key === "m" ? (this.chooseFor(item), true) : pressed(key, item, tile)),
    });
  }

  screen() {
    const crumbs = element("span", {}, element("a.crumb", { href: to("albums") }, "Albums"), " / ", element("a.crumb", { href: to("albums", [this.view]) }, this.view));
    const head = element("header.head", {}, element("div", {}, crumbs, this.title, this.sub), this.acts);
    into(this.place, () => this.items());
    return {
      title: this.view,
      node: element("div.screen", {}, head, this.place),
      gallery: this.gallery,
      leave: () => this.gallery.leave(),
      enter: () => this.gallery.enter(),
    };
  }

  async items() {
    const detail = await get(viewPath(this.view), {}, this.call.signal);
    this.clusters = detail.clusters;
    this.cluster = detail.clusters.find((one) => one.cluster_id === this.number) ?? { name: "gone", size: 0, words: [], cluster_id: this.number };
    this.title.textContent = this.cluster.name;
    this.sub.textContent = [count(this.cluster.size, "item"), this.cluster.borderline ? `${this.cluster.borderline} doubtful` : "", "surest first"].filter(Boolean).join(" · ");
    fill(this.acts, button("Rename", async () => (await rename(this.view, this.cluster)) && into(this.place, () => this.items()), { icon: "edit" }));
    this.pages = paged(`${viewPath(this.view)}/clusters/${this.number}/items`, "items", { n: PAGE }, this.call.signal);
    const rows = await this.pages.next();
    fill(this.place, this.gallery.node, dock(this.clusters, (item, _from, cluster) => this.move(item, cluster)));
    this.gallery.setItems(rows);
    this.gallery.enter();
    return undefined;
  }

  tile(item) {
    const acts = [
      { name: "similar", key: "s", label: "Similar", icon: "similar", press: () => go(to("similar", [item.item_id])) },
      { name: "move", key: "m", label: "Move to another album", icon: "move", press: () => this.chooseFor(item) },
    ];
    const tile = tileOf(item, { acts, line: `${percent(item.confidence)} sure`, marks: pinMark(item) });
    draggable(tile, item, this.cluster);
    return tile;
  }

  async chooseFor(item) {
    const cluster = await chooseAlbum(item, this.clusters.filter((one) => one.cluster_id !== this.number));
    if (cluster) this.move(item, cluster);
  }

  async move(item, cluster) {
    if (await move(this.view, item, cluster)) this.gallery.remove(this.gallery.items.indexOf(item));
  }
}
