/** Keys that work anywhere on the page. */

import { showHelp } from "./help.js";
import { hush } from "./players.js";
import { KEYS, act } from "./tile.js";

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/**
 * Follow the keyboard.
 *
 * @param {HTMLInputElement} field the search field
 * @param {() => import("./gallery.js").Gallery|undefined} gallery the one on the screen
 */
export function takeKeys(field, gallery) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const done = isTyping(event.target) ? typed(event, field, gallery()) : pressed(event, field, gallery());
    if (done) event.preventDefault();
  });
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function typed(event, field, gallery) {
  if (event.key === "Escape") {
    event.target.blur();
    return true;
  }
  if (event.key === "ArrowDown" && event.target === field && gallery?.items.length) {
    gallery.focus(gallery.active);
    return true;
  }
  return false;
}

function pressed(event, field, gallery) {
  const { key } = event;
  if (key === "/") {
    field.focus();
    field.select();
  } else if (key === "?") {
    showHelp();
  } else if (key === "Escape") {
    hush();
    if (history.length > 1) history.back();
  } else if (ARROWS.includes(key) && document.activeElement === document.body && gallery?.items.length) {
    gallery.focus(gallery.active);
  } else if (key === "n" && document.querySelector('[aria-keyshortcuts="n"]')) {
    document.querySelector('[aria-keyshortcuts="n"]').click();
  } else if (key in KEYS) {
    const tile = document.querySelector(".tile:hover") ?? document.querySelector(".item-side");
    return tile ? act(tile, KEYS[key]) : false;
  } else {
    return false;
  }
  return true;
}
