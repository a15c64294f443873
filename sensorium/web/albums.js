/** All views of the library, and making another: name an aspect, and watch it being grouped. */

import { get } from "./api.js";
import { confirmed, sayProblem } from "./dialogs.js";
import { element, fill } from "./dom.js";
import { begin, jobCard } from "./jobs.js";
import { go, to } from "./routes.js";
import { into, nothing } from "./states.js";
import { pictureOf } from "./tile.js";
import { ago, count } from "./words.js";

const OFFERED = ["colour", "mood", "thing", "animal", "season", "place", "activity", "weather"];
const MOSAIC = 3;
const LOOKED_AT = 5;

/** Show the screen. */
export function show() {
  const call = new AbortController();
  const [progress, place] = [element("div.progress"), element("div")];
  const draw = () => into(place, () => viewsOf(call.signal));
  const node = element(
    "div.screen",
    {},
    element("header.head", {}, element("div", {}, element("h1", {}, "Albums"), element("p.sub", {}, "The library, sorted by whatever you name."))),
    maker(progress, call.signal),
    progress,
    place,
  );
  draw();
  return { title: "Albums", node, leave: () => call.abort() };
}

function maker(progress, signal) {
  const list = element("datalist", { id: "aspects" });
  const field = element("input.field.big", { id: "aspect", list: "aspects", placeholder: "colour, mood, kind of animal…", maxlength: 200, autocomplete: "off", required: true });
  const words = element("input.field", { id: "aspect-words", placeholder: "red, green, blue", maxlength: 2000, autocomplete: "off" });
  const offered = element("div.chips", { role: "group", "aria-label": "Aspects" });
  const form = element(
    "form.maker",
    { on: { submit: (event) => (event.preventDefault(), group(field.value.trim(), words.value.trim(), progress, signal)) } },
    element("label", { for: "aspect" }, "Group by"),
    element("div.row.grow", {}, field, element("button.button.primary", { type: "submit" }, "Group")),
    list,
    offered,
    element("details.quiet", {}, element("summary", {}, "Use my own words"), element("label.note", { for: "aspect-words" }, "Names of the groups, with commas"), words),
  );
  get("/v1/aspects", {}, signal).then(({ aspects }) => {
    const names = aspects.map((one) => one.name);
    fill(list, names.map((name) => element("option", { value: name })));
    const common = OFFERED.filter((name) => names.includes(name));
    fill(offered, [...common, ...names.filter((name) => !common.includes(name))].slice(0, 9).map((name) =>
      element("button.chip", { type: "button", on: { click: () => { field.value = name; field.focus(); } } }, name)));
  }, () => {});
  return form;
}

async function group(by, words, progress, signal) {
  if (!by) return;
  const request = { kind: "cluster", by };
  const own = words.split(",").map((one) => one.trim()).filter(Boolean);
  if (own.length) request.words = own;
  try {
    follow(await begin(request), progress, signal);
  } catch (error) {
    if (error.code !== "view") return sayProblem(error);
    const anew = await confirmed("There are such albums already", `${error.message}. Making them anew forgets names and places that people gave.`, "Make them anew");
    if (anew) follow(await begin({ ...request, replace: true }), progress, signal);
  }
}

function follow(job, progress, signal) {
  const onEnd = (ended) => ended.state === "done" && openWhenThere(ended.result?.view ?? ended.result?.name ?? "");
  fill(progress, jobCard(job, { signal, onEnd }));
}

function openWhenThere(view) {
  go(view ? to("albums", [view]) : to("albums", [], { at: Date.now() }));
}

async function viewsOf(signal) {
  const { views } = await get("/v1/views", {}, signal);
  if (!views.length) return nothing("albums", "No albums yet", "Name an aspect above, such as colour or mood.");
  return element("ul.cards", { "aria-label": "Views" }, views.map((view) => card(view, signal)));
}

function card(view, signal) {
  const mosaic = element("div.mosaic", { "aria-hidden": "true" });
  mosaicOf(view, mosaic, signal);
  return element(
    "li",
    {},
    element(
      "a.card",
      { href: to("albums", [view.name]) },
      mosaic,
      element("b", {}, view.aspect || view.name),
      element("span.muted", {}, [count(view.num_clusters, "album"), count(view.size, "item"), ago(view.updated_at)].join(" · ")),
    ),
  );
}

async function mosaicOf(view, place, signal) {
  const path = `/v1/views/${encodeURIComponent(view.name)}`;
  try {
    const { clusters } = await get(path, {}, signal);
    const surest = clusters.slice(0, LOOKED_AT).map(({ cluster_id: number }) => get(`${path}/clusters/${number}/items`, { n: 3 }, signal));
    const found = (await Promise.all(surest)).map(({ items }) => items.find((one) => one.has_thumbnail) ?? items[0]).filter(Boolean);
    found.sort((one, other) => Number(other.has_thumbnail) - Number(one.has_thumbnail));
    fill(place, found.slice(0, MOSAIC).map((item) => pictureOf(item, { described: false })));
  } catch (error) {
    sayProblem(error);
  }
}
