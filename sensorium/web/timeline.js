/** The moments of a clip or a sound, one lane per modality, on one line of time. */

import { button, element } from "./dom.js";
import { clock } from "./words.js";

const NAMES = { video: "Picture", image: "Picture", audio: "Sound", text: "Words" };

/**
 * Make a timeline. Choosing a moment plays from there; while it plays, a line follows.
 *
 * @param {HTMLMediaElement} player
 * @param {Array<{start_seconds: number, end_seconds: number, modality: string}>} segments
 * @param {number} duration seconds
 */
export function timelineOf(player, segments, duration) {
  const length = Math.max(duration, ...segments.map((one) => one.end_seconds), 0.1);
  const lanes = new Map();
  for (const one of segments) lanes.set(one.modality, [...(lanes.get(one.modality) ?? []), one]);
  const needle = element("span.needle", { "aria-hidden": "true" });
  const rows = [...lanes].map(([modality, moments]) =>
    element(
      "div.lane",
      {},
      element("span.lane-name", {}, NAMES[modality] ?? modality),
      element("div.lane-track", {}, moments.map((one) => moment(one, modality, length, player))),
    ),
  );
  const node = element("div.timeline", { role: "group", "aria-label": "Moments" }, rows, scale(length), needle);
  player.addEventListener("timeupdate", () => {
    needle.style.setProperty("--at", String(player.currentTime / length));
    for (const one of node.querySelectorAll(".moment")) {
      const [start, end] = [Number(one.dataset.start), Number(one.dataset.end)];
      one.classList.toggle("now", player.currentTime >= start && player.currentTime < end);
    }
  });
  return node;
}

function moment(one, modality, length, player) {
  const words = `${NAMES[modality] ?? modality}, ${clock(one.start_seconds)} to ${clock(one.end_seconds)}`;
  const made = button(words, () => seek(player, one.start_seconds), {
    kind: "icon",
    having: { class: "moment", data: { kind: modality, start: one.start_seconds, end: one.end_seconds } },
  });
  made.style.setProperty("--from", String(one.start_seconds / length));
  made.style.setProperty("--share", String((one.end_seconds - one.start_seconds) / length));
  return made;
}

/** Play from a time on, as soon as the player knows its length. */
export function seek(player, seconds) {
  const jump = () => {
    player.currentTime = seconds;
    player.play().catch(() => {});
  };
  if (player.readyState >= 1) jump();
  else player.addEventListener("loadedmetadata", jump, { once: true });
}

function scale(length) {
  return element("div.scale", { "aria-hidden": "true" }, element("span", {}, "0:00"), element("span", {}, clock(length / 2)), element("span", {}, clock(length)));
}
