/** Hearing and seeing within a tile: one sound at a time, and clips that follow the pointer. */

import { loadable, mediaPath } from "./api.js";
import { button, element, icon } from "./dom.js";
import { clock } from "./words.js";

const HOVER_MS = 140;

let playing = null;

/** Stop whatever sound is playing. */
export function hush() {
  playing?.stop();
}

/**
 * Make the button that plays a sound in its tile.
 *
 * @param {{item_id: string, start_seconds?: number|null}} item
 * @param {string} name what is played
 */
export function soundButton(item, name) {
  const control = button(`Play ${name}`, (event) => {
    event.preventDefault();
    event.stopPropagation();
    toggle(control, item, name);
  }, { icon: "play", kind: "icon", having: { class: "button icon play" } });
  return control;
}

async function toggle(control, item, name) {
  const mine = playing?.control === control;
  hush();
  if (mine) return;
  const sound = new Audio();
  const stop = () => {
    sound.pause();
    control.replaceChildren(icon("play"));
    control.setAttribute("aria-label", `Play ${name}`);
    control.classList.remove("on");
    if (playing?.sound === sound) playing = null;
  };
  playing = { control, sound, stop };
  control.replaceChildren(icon("pause"));
  control.setAttribute("aria-label", `Pause ${name}`);
  control.classList.add("on");
  sound.addEventListener("ended", stop);
  sound.addEventListener("timeupdate", () => {
    const share = sound.duration ? sound.currentTime / sound.duration : 0;
    control.style.setProperty("--share", String(share));
  });
  try {
    sound.src = await loadable(mediaPath(item.item_id));
    if (item.start_seconds) sound.currentTime = item.start_seconds;
    await sound.play();
  } catch {
    stop();
  }
}

/**
 * Let a clip follow the pointer over its picture, from its beginning at the left to its end at the
 * right. A clip that the browser cannot play stays a picture.
 *
 * @param {HTMLElement} picture
 * @param {{item_id: string, start_seconds?: number|null}} item
 */
export function scrubbed(picture, item) {
  let [waiting, seen] = [0, null];
  const place = element("span.scrub-time", { "aria-hidden": "true" });
  const line = element("span.scrub-line", { "aria-hidden": "true" });

  const begin = async (event) => {
    if (event.pointerType === "touch") return;
    waiting = setTimeout(() => show(event), HOVER_MS);
  };
  const show = async (event) => {
    const clip = element("video.scrub", { muted: true, playsinline: true, preload: "auto", tabindex: -1, "aria-hidden": "true" });
    clip.muted = true;
    seen = clip;
    clip.addEventListener("error", end);
    clip.addEventListener("loadeddata", () => seen === clip && picture.append(clip, line, place));
    clip.addEventListener("loadedmetadata", () => seek(event));
    clip.src = await loadable(mediaPath(item.item_id)).catch(() => "");
  };
  const seek = (event) => {
    if (!seen || !Number.isFinite(seen.duration)) return;
    const box = picture.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    seen.currentTime = share * Math.max(0, seen.duration - 0.05);
    line.style.setProperty("--share", String(share));
    place.textContent = clock(share * seen.duration);
  };
  const end = () => {
    clearTimeout(waiting);
    if (seen) seen.removeAttribute("src");
    seen?.remove();
    line.remove();
    place.remove();
    seen = null;
  };
  picture.addEventListener("pointerenter", begin);
  picture.addEventListener("pointermove", seek);
  picture.addEventListener("pointerleave", end);
  picture.closest(".tile")?.addEventListener("gone", end);
}
