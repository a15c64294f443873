/** Choosing the person whose feed and interests are shown. */

import { get } from "./api.js";
import { askWords } from "./dialogs.js";
import { element, fill } from "./dom.js";
import { go, to } from "./routes.js";
import { choosePerson, visitor } from "./session.js";

const OTHER = "\n";
const MOST = 200;

/**
 * Make a list to choose a person from; the choice is an address.
 *
 * @param {string} chosen id of the person who is shown
 * @param {string} screen name of the screen to open for the one who is chosen
 */
export function personChooser(chosen, screen) {
  const select = element("select.field.select", { "aria-label": "Person", on: { change: () => change(select, chosen, screen) } });
  offer(select, [], chosen);
  get("/v1/users", { n: MOST }).then(({ users }) => offer(select, users, chosen), () => {});
  return select;
}

/** @returns {string} what a person is called */
export function personName(id) {
  return id === visitor() ? "you" : id;
}

function offer(select, users, chosen) {
  const known = users.map((user) => user.user_id).filter((id) => id !== visitor());
  const ids = [visitor(), ...known, ...(known.includes(chosen) || chosen === visitor() ? [] : [chosen])];
  const options = ids.map((id) => element("option", { value: id }, id === visitor() ? "You, in this browser" : id));
  fill(select, options, element("option", { value: OTHER }, "Somebody else…"));
  select.value = chosen;
}

async function change(select, chosen, screen) {
  let id = select.value;
  if (id === OTHER) {
    id = await askWords("Whose feed?", { label: "Id of the person", act: "Open", note: "Somebody without events gets what is popular, new, or worth a try." });
  }
  if (!id) {
    select.value = chosen;
    return;
  }
  choosePerson(id);
  go(to(screen, [id]));
}
