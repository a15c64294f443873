/**
 * A grid of tiles of which only the visible ones exist, so that 100,000 items scroll like a hundred.
 *
 * All tiles have one size, which follows from the width, so a tile's place is arithmetic. The window
 * scrolls; at every frame tiles that have left are taken out and those that have come are made. The
 * tile with the focus stays. One tile at a time can be reached with Tab, arrows move between tiles.
 */

import { element } from "./dom.js";

const GAP = 18;
const MARGIN_ROWS = 1;
const PICTURE_RATIO = 0.75;

/**
 * @typedef {Object} Look
 * @property {string} label what the list is, for screen readers
 * @property {(item: any, index: number) => HTMLElement} make makes a tile
 * @property {number} [captionHeight] pixels below the picture
 * @property {number} [smallest] narrowest tile in pixels
 * @property {() => void} [onEnd] called when the last rows come near
 * @property {(key: string, item: any, tile: HTMLElement) => boolean} [onKey] a key on a tile
 */

/** The grid; put its `node` into the page. */
export class Gallery {
  /** @param {Look} look */
  constructor({ label, make, captionHeight = 54, smallest = 210, onEnd, onKey }) {
    this.look = { make, captionHeight, smallest, onEnd, onKey };
    this.items = [];
    this.tiles = new Map();
    this.active = 0;
    this.node = element("div.gallery", { role: "list", "aria-label": label });
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.node.addEventListener("focusin", (event) => this.#focused(event));
    this.node.addEventListener("focusout", () => this.#soon());
    this.watcher = new ResizeObserver(() => this.resize());
    this.onScroll = () => this.#soon();
  }

  /** Begin to follow the window; call it when the node is in the page. */
  enter() {
    this.watcher.observe(this.node);
    addEventListener("scroll", this.onScroll, { passive: true });
    this.resize();
  }

  /** Stop following the window. */
  leave() {
    this.watcher.disconnect();
    removeEventListener("scroll", this.onScroll);
  }

  /** Show these items and no others. */
  setItems(items) {
    this.#drop([...this.tiles.keys()]);
    this.items = [...items];
    this.active = 0;
    this.resize();
  }

  /** Show more items after those that are there. */
  append(items) {
    for (const item of items) this.items.push(item);
    for (const [index, tile] of this.tiles) this.#number(tile, index);
    this.resize();
  }

  /** Take an item out; the others move up. */
  remove(index) {
    const [gone] = this.items.splice(index, 1);
    const focused = this.node.contains(document.activeElement);
    this.#drop([...this.tiles.keys()].filter((one) => one >= index));
    this.active = Math.max(0, Math.min(this.active, this.items.length - 1));
    this.resize();
    if (focused && this.items.length) this.focus(this.active);
    return gone;
  }

  /** Make a tile again, as what it shows has changed. */
  renew(index) {
    if (!this.tiles.has(index)) return;
    const focused = this.tiles.get(index).contains(document.activeElement);
    this.#drop([index]);
    this.render();
    if (focused) this.focus(index);
  }

  /** Measure anew, and draw. */
  resize() {
    const width = this.node.clientWidth;
    if (!width) return;
    const narrow = width < 520;
    const gap = narrow ? 10 : GAP;
    const fitting = Math.floor((width + gap) / (this.look.smallest + gap));
    const columns = Math.max(narrow ? 2 : 3, fitting);
    const tile = (width - gap * (columns - 1)) / columns;
    const picture = Math.round(tile * PICTURE_RATIO);
    const row = picture + this.look.captionHeight + gap;
    this.measures = { columns, tile, picture, row, gap };
    this.node.style.setProperty("--tile-width", `${tile}px`);
    this.node.style.setProperty("--picture-height", `${picture}px`);
    this.node.style.setProperty("--caption-height", `${this.look.captionHeight}px`);
    this.node.style.height = `${Math.ceil(this.items.length / columns) * row}px`;
    for (const [index, made] of this.tiles) this.#place(made, index);
    this.render();
  }

  /** Make the tiles that are visible now, and take out the others. */
  render() {
    this.waiting = false;
    if (!this.measures) return;
    const [first, last] = this.#visible();
    const keep = this.tiles.get(this.active)?.contains(document.activeElement) ? this.active : -1;
    this.#drop([...this.tiles.keys()].filter((i) => (i < first || i >= last) && i !== keep));
    let before = null;
    for (let index = last - 1; index >= first; index--) {
      before = this.tiles.get(index) ?? this.#make(index, before);
    }
    if (this.look.onEnd && last >= this.items.length - 2 * this.measures.columns) this.look.onEnd();
  }

  /** Bring an item into sight and give it the focus. */
  focus(index) {
    if (!this.items.length) return;
    this.active = Math.max(0, Math.min(index, this.items.length - 1));
    this.scrollTo(this.active);
    this.render();
    for (const [one, tile] of this.tiles) reachable(tile, one === this.active);
    this.tiles.get(this.active)?.querySelector("a, button")?.focus({ preventScroll: true });
  }

  /** Scroll so far that an item is in sight. */
  scrollTo(index) {
    const { row, columns } = this.measures;
    const top = this.node.getBoundingClientRect().top + Math.floor(index / columns) * row;
    const [head, foot] = [document.querySelector(".top")?.offsetHeight ?? 0, innerHeight];
    if (top < head + 8) scrollBy({ top: top - head - 12, behavior: "instant" });
    else if (top + row > foot - 64) scrollBy({ top: top + row - foot + 72, behavior: "instant" });
  }

  #visible() {
    const { row, columns } = this.measures;
    const top = this.node.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / row) - MARGIN_ROWS);
    const last = Math.max(0, Math.ceil((innerHeight - top) / row) + MARGIN_ROWS);
    return [Math.min(first * columns, this.items.length), Math.min(last * columns, this.items.length)];
  }

  #soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.render());
  }

  #make(index, before) {
    const tile = this.look.make(this.items[index], index);
    tile.setAttribute("role", "listitem");
    tile.classList.add("placed");
    tile.dataset.index = String(index);
    this.#number(tile, index);
    this.#place(tile, index);
    reachable(tile, index === this.active);
    this.node.insertBefore(tile, before);
    this.tiles.set(index, tile);
    return tile;
  }

  #number(tile, index) {
    tile.setAttribute("aria-posinset", String(index + 1));
    tile.setAttribute("aria-setsize", String(this.items.length));
  }

  #place(tile, index) {
    const { columns, tile: width, row, gap } = this.measures;
    const [x, y] = [(index % columns) * (width + gap), Math.floor(index / columns) * row];
    tile.style.transform = `translate(${x}px, ${y}px)`;
  }

  #drop(indices) {
    for (const index of indices) {
      const tile = this.tiles.get(index);
      this.tiles.delete(index);
      tile.dispatchEvent(new Event("gone"));
      tile.remove();
    }
  }

  #focused(event) {
    const tile = event.target.closest(".placed");
    if (!tile) return;
    const [before, now] = [this.active, Number(tile.dataset.index)];
    this.active = now;
    if (before !== now && this.tiles.has(before)) reachable(this.tiles.get(before), false);
    reachable(tile, true);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns } = this.measures ?? { columns: 1 };
    const page = columns * Math.max(1, Math.floor(innerHeight / this.measures.row) - 1);
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
      PageDown: page, PageUp: -page, Home: -this.items.length, End: this.items.length,
    };
    const tile = event.target.closest(".placed");
    if (event.key in steps) {
      event.preventDefault();
      this.focus(this.active + steps[event.key]);
    } else if (tile && this.look.onKey?.(event.key, this.items[this.active], tile)) {
      event.preventDefault();
    }
  }
}

function reachable(tile, yes) {
  for (const one of tile.querySelectorAll("a, button")) one.tabIndex = yes ? 0 : -1;
}
