/**
 * What is asked, between the address and the service. Files that were dropped cannot be in an
 * address: they are kept by a number while the page is open, and the address names the number.
 */

import { ask } from "./api.js";
import { KIND_FILTERS } from "./kinds.js";
import { to } from "./routes.js";

const MOST = 200;
const files = new Map();

/**
 * @typedef {Object} Asked
 * @property {string} text
 * @property {string[]} like ids
 * @property {string[]} not words
 * @property {string} kind
 * @property {string} filter
 * @property {boolean} moments
 * @property {boolean} all whether what lies below the cut-off is shown, too
 * @property {string[]} drop numbers of dropped files
 */

/** @returns {Asked} read from an address */
export function askedBy(query) {
  return {
    text: query.get("text") ?? "",
    like: query.getAll("like"),
    not: query.getAll("not"),
    kind: query.get("kind") ?? "",
    filter: query.get("filter") ?? "",
    moments: query.get("moments") === "1",
    all: query.get("all") === "1",
    drop: query.getAll("drop"),
  };
}

/** @returns {string} the address that asks this */
export function addressOf(asked) {
  return to("search", [], {
    ...asked, moments: asked.moments ? "1" : "", all: asked.all ? "1" : "",
  });
}

/** @returns {boolean} whether there is anything to search by */
export function isAsked(asked) {
  return Boolean(asked.text.trim() || asked.like.length || asked.drop.length);
}

/** Keep a file for a search; gives its number, and null for a file that cannot be searched by. */
export function keepFile(file) {
  const part = file.type.split("/")[0];
  if (!["image", "audio", "video"].includes(part)) return null;
  const number = String(files.size + 1);
  files.set(number, { file, part, address: URL.createObjectURL(file) });
  return number;
}

/** @returns {{file: File, part: string, address: string}|undefined} a kept file */
export function keptFile(number) {
  return files.get(number);
}

/** @returns {string} the question in words */
export function inWords(asked) {
  const kept = asked.drop.map(keptFile).filter(Boolean);
  const named = [
    ...(asked.text.trim() ? [`“${asked.text.trim()}”`] : []),
    ...kept.map(({ part }) => ({ image: "your picture", audio: "your sound", video: "your clip" })[part]),
    ...asked.like.map((id) => `what ${id.split("/").pop()} is like`),
  ];
  return named.join(" and ") || "what you asked";
}

/** Send a question. */
export async function answerTo(asked, signal) {
  const filters = [asked.filter, KIND_FILTERS[asked.kind]].filter(Boolean);
  const question = {
    n: MOST,
    ...(asked.text.trim() && { text: asked.text.trim() }),
    ...(asked.like.length && { like: asked.like }),
    ...(asked.not.length && { not: asked.not }),
    ...(filters.length && { filter: filters.map((one) => `(${one})`).join(" and ") }),
    ...(asked.moments && { moments: true }),
    ...(asked.all && { min_relevance: 0 }),
  };
  const kept = asked.drop.map(keptFile).filter(Boolean);
  if (!kept.length) return ask("/v1/search", { body: question, signal });
  const form = new FormData();
  form.append("query", JSON.stringify(question));
  for (const { file, part } of kept) form.append(part, file, file.name);
  return ask("/v1/search", { body: form, signal });
}
