/** What is known of a person's interests, and what the person says about each of them. */

import { ask, get } from "./api.js";
import { sayProblem } from "./dialogs.js";
import { button, element, fill } from "./dom.js";
import { personChooser, personName } from "./people.js";
import { to } from "./routes.js";
import { choosePerson, person } from "./session.js";
import { into, nothing } from "./states.js";
import { ago, count, percent } from "./words.js";

const CHOICES = [
  { factor: 0, label: "Mute", says: "nothing of it" },
  { factor: 0.5, label: "Less", says: "less of it" },
  { factor: 1, label: "Normal", says: "as it comes" },
  { factor: 2, label: "More", says: "more of it" },
  { factor: 4, label: "Much more", says: "much more of it" },
];
const DEEDS = {
  like: "Liked", click: "Opened", skip: "Skipped", dislike: "Disliked", view: "Looked at", play: "Played",
  share: "Shared", save: "Saved", impression: "Was shown", purchase: "Bought", rating: "Rated",
  comment: "Commented on", complete: "Finished", watch_time: "Watched", not_interested: "Was not interested in",
};

/** @param {import("./routes.js").Route} route */
export function show(route) {
  const id = route.parts[0] || person();
  choosePerson(id);
  const view = route.query.get("view") ?? "";
  const call = new AbortController();
  const place = element("div");
  const views = element("nav.chips", { "aria-label": "Interests by" });
  const head = element(
    "header.head",
    {},
    element("div", {}, element("h1", {}, "Interests of ", personName(id)), element("p.sub", {}, "Mute what should stay away, boost what should come more often.")),
    element("div.row", {}, personChooser(id, "interests"), element("a.button.plain", { href: to("feed", [id], { view }) }, "Feed")),
  );
  into(place, async () => {
    const profile = await get(`/v1/users/${encodeURIComponent(id)}`, { view }, call.signal);
    chooseView(views, id, profile.view, call.signal);
    return profileOf(profile);
  });
  return { title: "Interests", node: element("div.screen.narrow", {}, head, views, place), leave: () => call.abort() };
}

async function chooseView(place, id, chosen, signal) {
  const { views } = await get("/v1/views", {}, signal).catch(() => ({ views: [] }));
  if (views.length < 2) return;
  fill(place, views.map(({ name }) =>
    element("a.chip", { href: to("interests", [id], { view: name }), "aria-current": name === chosen ? "true" : null }, name)));
}

function profileOf(profile) {
  const list = element("ul.interests");
  drawInterests(list, profile, profile.interests);
  const known = profile.interests.length
    ? list
    : nothing("interests", "No interests yet", "Interests are the albums of a view. Group the library by an aspect first.");
  return [
    element("p.muted", {}, [count(profile.events, "event"), profile.last && `last ${ago(profile.last)}`].filter(Boolean).join(", ")),
    known,
    recent(profile.recent ?? []),
  ];
}

function drawInterests(list, profile, interests) {
  const top = Math.max(...interests.map((one) => one.share), 0.01);
  fill(list, interests.map((one) => interestRow(list, profile, one, top)));
}

function interestRow(list, profile, one, top) {
  const bar = element("span.bar", { "aria-hidden": "true" });
  bar.style.setProperty("--share", String(one.share / top));
  const chosen = CHOICES.reduce((best, choice) =>
    Math.abs(choice.factor - one.factor) < Math.abs(best.factor - one.factor) ? choice : best);
  return element(
    "li.interest-row",
    { class: one.factor === 0 ? "interest-row muted-row" : "interest-row" },
    element("div.interest-name", {}, element("b", {}, one.name), element("span.muted", {}, one.last_met ? `met ${ago(one.last_met)}` : "not met yet")),
    element("span.bar-track", {}, bar),
    element("span.bar-says", {}, percent(one.share)),
    element(
      "div.choices",
      { role: "group", "aria-label": `How much of ${one.name}` },
      CHOICES.map((choice) =>
        button(choice.label, () => choose(list, profile, one, choice), {
          kind: "choice",
          having: { "aria-pressed": String(choice === chosen), title: choice.says },
        }),
      ),
    ),
  );
}

async function choose(list, profile, one, choice) {
  const path = `/v1/users/${encodeURIComponent(profile.user_id)}/interests?view=${encodeURIComponent(profile.view)}`;
  try {
    const answer = await ask(path, { method: "PATCH", body: { name: one.name, factor: choice.factor } });
    const rows = answer.interests ?? answer;
    drawInterests(list, profile, rows);
    const at = rows.findIndex((row) => row.name === one.name);
    list.children[at]?.querySelector('[aria-pressed="true"]')?.focus();
  } catch (error) {
    sayProblem(error);
  }
}

function recent(deeds) {
  if (!deeds.length) return null;
  const row = (deed) =>
    element(
      "li",
      {},
      element("span.deed", {}, DEEDS[deed.event_type] ?? deed.event_type.replaceAll("_", " ")),
      " ",
      element("a", { href: to("item", [deed.item_id]) }, deed.title || deed.item_id.split("/").pop()),
      deed.interest ? element("span.interest", {}, deed.interest) : null,
      element("span.muted", {}, ago(deed.timestamp)),
    );
  return element("section.part", {}, element("h2", {}, "Lately"), element("ul.deeds", {}, deeds.map(row)));
}
