/**
 * Asking the service. Errors become a `Problem` with its sentence and its hint. Where a key is asked
 * for, the person is asked once, and the request is sent again.
 */

import { askForKey } from "./dialogs.js";
import { apiKey, keepApiKey } from "./session.js";

/** Why the service did not answer. */
export class Problem extends Error {
  constructor(status, { code = "", detail = "", hint = "" } = {}) {
    super(detail || `the service answered ${status}`);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

let asking = null;

/**
 * Send a request and give what it answers as JSON.
 *
 * @param {string} path
 * @param {{method?: string, body?: any, signal?: AbortSignal}} [asked] a body is sent as JSON, except
 *   a FormData
 */
export async function ask(path, asked = {}) {
  const answer = await send(path, asked);
  return answer.status === 204 ? null : answer.json();
}

/** Ask for a path with parameters; those that are empty are left out. */
export function get(path, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  const query = new URLSearchParams(given).toString();
  return ask(query ? `${path}?${query}` : path, { signal });
}

/** @returns {string} an id as a part of a path; slashes in it stay */
export function inPath(id) {
  return id.split("/").map(encodeURIComponent).join("/");
}

async function send(path, { method, body, signal, accept = "application/json" } = {}) {
  const headers = { Accept: accept };
  const key = apiKey();
  if (key) headers["X-API-Key"] = key;
  const plain = body === undefined || body instanceof FormData;
  if (!plain) headers["Content-Type"] = "application/json";
  const answer = await reach(path, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers,
    body: plain ? body : JSON.stringify(body),
    signal,
  });
  if (answer.status === 401) {
    await renewKey(key);
    return send(path, { method, body, signal, accept });
  }
  if (!answer.ok) throw new Problem(answer.status, await told(answer));
  return answer;
}

async function reach(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {
      code: "unreachable",
      detail: "The service cannot be reached.",
      hint: "Look whether sensorium serve is still running, then try again.",
    });
  }
}

async function told(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}

async function renewKey(tried) {
  if (apiKey() !== tried) return;
  asking ??= askForKey(Boolean(tried)).finally(() => (asking = null));
  const key = await asking;
  if (!key) throw new Problem(401, { code: "unauthenticated", detail: "This library asks for a key." });
  keepApiKey(key);
}

/**
 * Follow server-sent events, which end with the event `end` or with the connection.
 *
 * @yields {{event: string, data: any}}
 */
export async function* follow(path, signal) {
  const answer = await send(path, { signal, accept: "text/event-stream" });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value.replaceAll("\r\n", "\n");
    const messages = held.split("\n\n");
    held = messages.pop();
    for (const message of messages) {
      const parsed = eventOf(message);
      if (parsed) yield parsed;
      if (parsed?.event === "end") return;
    }
  }
}

function eventOf(message) {
  let [event, data] = ["message", ""];
  for (const line of message.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data += line.slice(5).trim();
  }
  if (!data && event === "message") return null;
  try {
    return { event, data: data ? JSON.parse(data) : null };
  } catch {
    return { event, data };
  }
}

/**
 * Give an address that an image or a player can load: the path itself, or where a key is needed, which
 * such elements cannot send, an object URL of what was fetched with it.
 */
export async function loadable(path, signal) {
  if (!apiKey()) return path;
  const answer = await send(path, { signal, accept: "*/*" });
  return URL.createObjectURL(await answer.blob());
}

/** @returns {string} path of an item's small picture */
export function thumbnailPath(id) {
  return `/v1/items/${inPath(id)}/thumbnail`;
}

/** @returns {string} path of one of an item's files */
export function mediaPath(id, index = 0) {
  return `/v1/items/${inPath(id)}/media/${index}`;
}
