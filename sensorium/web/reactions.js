/** Telling the service what a person did: likes, skips, openings, and what was shown. */

import { ask } from "./api.js";
import { say, sayProblem } from "./dialogs.js";
import { person, randomHex } from "./session.js";
import { nameOf } from "./words.js";

const liked = new Set();
const session = randomHex(12);

/** @returns {boolean} whether this item was liked on this page by this person */
export function isLiked(itemId) {
  return liked.has(`${person()}\n${itemId}`);
}

/**
 * Tell of one event; gives whether it was taken.
 *
 * @param {string} type such as like, skip, click
 * @param {string} itemId
 * @param {Object} [more] recommendation_id, position, impressions
 */
export async function tell(type, itemId, more = {}) {
  const event = {
    event_id: `page-${randomHex(24)}`,
    user_id: person(),
    item_id: itemId,
    event_type: type,
    timestamp: new Date().toISOString(),
    session_id: session,
    ...more,
  };
  try {
    const answer = await ask("/v1/events", { body: event });
    const wrong = answer?.rows?.find((row) => row.status === "rejected");
    if (wrong) say(wrong.error?.detail ?? wrong.error ?? "The event was not taken.");
    return !wrong;
  } catch (error) {
    sayProblem(error);
    return false;
  }
}

/** Like an item; gives whether it was taken. */
export async function like(item, more = {}) {
  if (isLiked(item.item_id)) return true;
  const taken = await tell("like", item.item_id, more);
  if (taken) {
    liked.add(`${person()}\n${item.item_id}`);
    say(`Liked ${nameOf(item)}. Your feed will follow.`);
  }
  return taken;
}
