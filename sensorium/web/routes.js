/**
 * Addresses. Every state of the page is one: `#/search?text=dog&kind=image`. Entries of the browser's
 * history have keys, so that going back finds the screen as it was left.
 */

/**
 * @typedef {{name: string, parts: string[], query: URLSearchParams, hash: string}} Route
 */

/** @returns {Route} of the address, or of a given hash */
export function current(hash = location.hash) {
  const [path, query = ""] = (hash.replace(/^#\/?/, "") || "library").split("?");
  const [name, ...parts] = path.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "library", parts, query: new URLSearchParams(query), hash };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Give the address of a screen.
 *
 * @param {string} name
 * @param {string[]} [parts] ids and names; slashes in them are escaped
 * @param {Object} [query] parameters; empty ones are left out, lists are repeated
 */
export function to(name, parts = [], query = {}) {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== "" && one != null && one !== false) given.append(key, one);
  }
  const path = [name, ...parts].map(encodeURIComponent).join("/");
  return `#/${path}${given.size ? `?${given}` : ""}`;
}

/** Go to an address; `replace` leaves no entry to go back to. */
export function go(hash, { replace = false } = {}) {
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(history.state, "", hash);
    dispatchEvent(new Event("address"));
  } else {
    location.hash = hash;
  }
}

/** @returns {{key: string, known: boolean}} of the current entry of the history */
export function entry() {
  const kept = history.state?.key;
  if (kept) return { key: kept, known: true };
  const key = `${Date.now()}-${Math.random()}`;
  history.replaceState({ key }, "");
  return { key, known: false };
}
