/** Lists that come in pages by cursor: the next one is fetched when the last rows come near. */

import { get } from "./api.js";
import { sayProblem } from "./dialogs.js";

/**
 * Read a list page by page.
 *
 * @param {string} path
 * @param {string} noun name of the list in the answer
 * @param {Object} parameters
 * @param {AbortSignal} [signal]
 * @returns {{next: () => Promise<Array>, ended: () => boolean}} `next` gives an empty list where a page
 *   is on its way or all is read
 */
export function paged(path, noun, parameters, signal) {
  let [cursor, over, busy] = ["", false, false];
  const next = async () => {
    if (over || busy) return [];
    busy = true;
    try {
      const answer = await get(path, { ...parameters, cursor }, signal);
      cursor = answer.next_cursor ?? "";
      over = !cursor;
      return answer[noun];
    } finally {
      busy = false;
    }
  };
  return { next, ended: () => over };
}

/** Fetch the next page into a gallery; a problem is said and not thrown. */
export async function more(pages, gallery) {
  if (pages.ended()) return;
  try {
    const rows = await pages.next();
    if (rows.length) gallery.append(rows);
  } catch (error) {
    sayProblem(error);
  }
}
