/** The page put together: the frame, the search field, and a screen for every address. */

import { addressOf, askedBy, isAsked } from "./asking.js";
import { button, element, fill, icon } from "./dom.js";
import { showHelp } from "./help.js";
import { takeKeys } from "./keys.js";
import { hush } from "./players.js";
import { current, entry, go, to } from "./routes.js";
import { toggleTheme } from "./session.js";
import { nothing } from "./states.js";
import { pickFiles, searchBy, takeDrops } from "./upload.js";
import * as activity from "./activity.js";
import * as album from "./album.js";
import * as albums from "./albums.js";
import * as feed from "./feed.js";
import * as interests from "./interests.js";
import * as item from "./item.js";
import * as library from "./library.js";
import * as search from "./search.js";

const TYPING_MS = 250;
const KEPT_SCREENS = 8;
const PLACES = [
  ["library", "Library", "library"],
  ["feed", "For you", "feed"],
  ["albums", "Albums", "albums"],
  ["interests", "Interests", "interests"],
  ["activity", "Activity", "activity"],
];
const SCREENS = {
  library: library.show,
  search: search.show,
  similar: search.showSimilar,
  item: item.show,
  feed: feed.show,
  albums: (route) => (route.parts.length ? album.show(route) : albums.show(route)),
  interests: interests.show,
  activity: activity.show,
};

const main = document.getElementById("main");
const field = document.getElementById("search");
const kept = new Map();
let shown = null;
let typing = 0;

function draw() {
  const route = current();
  const { key, known } = entry();
  if (shown) {
    shown.top = scrollY;
    shown.screen.leave?.();
    hush();
  }
  const before = known ? kept.get(key) : undefined;
  const again = before?.hash === route.hash && before.screen.enter;
  const screen = again ? before.screen : screenFor(route);
  shown = { key, hash: route.hash, screen, top: again ? before.top : 0 };
  keep(key, shown);
  fill(main, screen.node);
  document.title = `${screen.title} · Sensorium`;
  markPlace(route.name);
  if (document.activeElement !== field) field.value = route.name === "search" ? askedBy(route.query).text : "";
  if (again) screen.enter();
  scrollTo({ top: shown.top, behavior: "instant" });
  if (again && screen.gallery?.tiles.has(screen.gallery.active)) screen.gallery.tiles.get(screen.gallery.active).querySelector("a")?.focus({ preventScroll: true });
}

function screenFor(route) {
  const make = SCREENS[route.name];
  if (make) return make(route);
  const node = element("div.screen", {}, nothing("search", "There is no such page", "The address may be mistyped.", element("a.button.primary", { href: to("library") }, "To the library")));
  return { title: "Not found", node };
}

function keep(key, what) {
  kept.delete(key);
  kept.set(key, what);
  if (kept.size > KEPT_SCREENS) kept.delete(kept.keys().next().value);
}

function markPlace(name) {
  const place = { search: "library", similar: "library", item: "library" }[name] ?? name;
  for (const link of document.querySelectorAll("#places a")) {
    if (link.dataset.place === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function typed() {
  clearTimeout(typing);
  typing = setTimeout(ask, TYPING_MS);
}

function ask() {
  clearTimeout(typing);
  const route = current();
  const searching = route.name === "search";
  const asked = { ...askedBy(searching ? route.query : new URLSearchParams()), text: field.value };
  if (isAsked(asked)) go(addressOf(asked), { replace: searching });
  else if (searching) go(to("library"), { replace: true });
}

function frame() {
  const places = PLACES.map(([name, title, sign]) =>
    element("a", { href: to(name), data: { place: name } }, icon(sign), element("span", {}, title)));
  fill(document.getElementById("places"), places);
  const picker = element("input", { type: "file", accept: "image/*,audio/*,video/*", class: "unseen", tabindex: -1, "aria-label": "Search by a file", on: { change: () => picker.files[0] && searchBy(picker.files[0]) } });
  fill(
    document.getElementById("search-acts"),
    picker,
    button("Search by a picture, sound or clip", () => picker.click(), { icon: "image", kind: "icon" }),
  );
  fill(
    document.getElementById("acts"),
    button("Add to library", pickFiles, { icon: "add", kind: "icon" }),
    button("Light or dark", toggleTheme, { icon: "theme", kind: "icon", having: { id: "theme" } }),
    button("Keys", showHelp, { icon: "why", kind: "icon" }),
  );
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  document.getElementById("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  field.addEventListener("input", typed);
}

history.scrollRestoration = "manual";
frame();
takeDrops();
takeKeys(field, () => shown?.screen.gallery);
addEventListener("hashchange", draw);
addEventListener("address", draw);
draw();
