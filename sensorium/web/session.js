/**
 * What this browser remembers: who is looking, the theme, and, for this tab alone, an API key.
 */

const PERSON = "sensorium.person";
const VISITOR = "sensorium.visitor";
const THEME = "sensorium.theme";
const KEY = "sensorium.key";

/** @returns {string} the random id of whoever has no other name; kept in this browser */
export function visitor() {
  let id = localStorage.getItem(VISITOR);
  if (!id) {
    id = `visitor-${randomHex(10)}`;
    localStorage.setItem(VISITOR, id);
  }
  return id;
}

/** @returns {string} id of the person whose feed and interests are shown */
export function person() {
  return localStorage.getItem(PERSON) || visitor();
}

/** Choose the person whose feed and interests are shown. */
export function choosePerson(id) {
  if (id && id !== visitor()) localStorage.setItem(PERSON, id);
  else localStorage.removeItem(PERSON);
}

/** @returns {string} hexadecimal digits; works where crypto.randomUUID is not allowed */
export function randomHex(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(length / 2)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, length);
}

/** @returns {string} the API key of this tab; empty for none */
export function apiKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Keep an API key until the tab is closed. */
export function keepApiKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** Go from the system's theme to the other one, and back. */
export function toggleTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const wanted = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  root.dataset.theme = wanted;
  if (wanted === system) localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, wanted);
  return wanted;
}
