/**
 * A person's feed: a page of items with reasons. Likes and skips are told to the service at once, and
 * the next page follows them. What was shown is told, too, so that it makes room for others.
 */

import { get, inPath } from "./api.js";
import { button, element, fill } from "./dom.js";
import { Gallery } from "./gallery.js";
import { personChooser, personName } from "./people.js";
import { isLiked, like, tell } from "./reactions.js";
import { go, to } from "./routes.js";
import { choosePerson, person } from "./session.js";
import { into, notes, nothing, waiting } from "./states.js";
import { pressed, tileOf } from "./tile.js";
import { whyRecommended } from "./why.js";
import { count } from "./words.js";

const PAGE = 12;

/** @param {import("./routes.js").Route} route */
export function show(route) {
  const id = route.parts[0] || person();
  choosePerson(id);
  return new Feed(id, route.query.get("view") ?? "").screen();
}

class Feed {
  constructor(userId, view) {
    this.userId = userId;
    this.view = view;
    this.said = { like: 0, skip: 0 };
    this.place = element("div");
    this.foot = element("div.feed-foot", {});
    this.gallery = new Gallery({
      label: "Recommended items",
      make: (pick, index) => this.tile(pick, index),
      captionHeight: 94,
      smallest: 250,
      onKey: (key, pick, tile) => (key === "n" ? (this.next(), true) : pressed(key, pick, tile)),
    });
  }

  screen() {
    const head = element(
      "header.head",
      {},
      element("div", {}, element("h1", {}, "For ", personName(this.userId)), element("p.sub", {}, "Likes and skips change what comes next.")),
      element(
        "div.row",
        {},
        personChooser(this.userId, "feed"),
        element("a.button.plain", { href: to("interests", [this.userId]) }, "Interests"),
      ),
    );
    this.next();
    return {
      title: "Feed",
      node: element("div.screen", {}, head, this.place, this.foot),
      gallery: this.gallery,
      leave: () => this.gallery.leave(),
      enter: () => this.gallery.enter(),
    };
  }

  async next() {
    scrollTo({ top: 0, behavior: "instant" });
    this.foot.hidden = true;
    await into(this.place, () => this.page(), waiting(PAGE));
  }

  async page() {
    const path = `/v1/recommendations/${encodeURIComponent(this.userId)}`;
    const page = await get(path, { n: PAGE, explain: true, view: this.view });
    this.said = { like: 0, skip: 0 };
    this.answer = page;
    if (!page.items.length) {
      return [nothing("feed", "Nothing left to show", "Everything that may be shown has been seen. Add something to the library, or come back later."), notes(page.notes)];
    }
    fill(this.place, notes(page.notes), this.gallery.node);
    this.gallery.setItems(page.items);
    this.gallery.enter();
    this.count();
    this.shown(page);
    return undefined;
  }

  shown(page) {
    const ids = page.items.map((pick) => pick.item_id);
    tell("impression", ids[0], { event_id: `shown-${page.recommendation_id}`, recommendation_id: page.recommendation_id, position: 0, impressions: ids });
  }

  tile(pick, index) {
    const more = { recommendation_id: this.answer.recommendation_id, position: pick.position };
    const acts = [
      { name: "like", key: "l", label: "Like", icon: "like", on: isLiked(pick.item_id), press: () => this.like(pick, index, more) },
      { name: "skip", key: "x", label: "Skip", icon: "skip", press: () => this.skip(pick, more) },
      { name: "similar", key: "s", label: "Similar", icon: "similar", press: () => go(to("similar", [pick.item_id])) },
      { name: "why", key: "w", label: "Why", icon: "why", press: () => whyRecommended(pick) },
    ];
    const tile = tileOf(pick, { acts, line: reasonOf(pick) });
    tile.querySelector(".tile-link").addEventListener("click", () => tell("click", pick.item_id, more));
    return tile;
  }

  async like(pick, index, more) {
    if (isLiked(pick.item_id) || !(await like(pick, more))) return;
    this.said.like += 1;
    this.gallery.renew(index);
    this.count();
  }

  async skip(pick, more) {
    if (!(await tell("skip", pick.item_id, more))) return;
    this.said.skip += 1;
    this.gallery.remove(this.gallery.items.indexOf(pick));
    this.count();
  }

  count() {
    const { like: likes, skip: skips } = this.said;
    const said = [likes && count(likes, "like"), skips && count(skips, "skip")].filter(Boolean).join(" and ");
    const sentence = said ? `${said} will change the next page.` : "Like or skip something, or just go on.";
    this.foot.hidden = false;
    fill(
      this.foot,
      element("span", { role: "status" }, sentence),
      button("Next page", () => this.next(), { icon: "next", kind: "primary", having: { "aria-keyshortcuts": "n" } }),
    );
  }
}

function reasonOf(pick) {
  const tag = pick.reason.interest ? element("span.interest", {}, pick.reason.interest) : null;
  return [element("span.reason", {}, pick.reason.text), tag].filter(Boolean);
}
