/** The shape of a sound over time, drawn from the sound itself. */

import { loadable, mediaPath } from "./api.js";
import { drawn } from "./dom.js";

const BARS = 84;
const MOST_BYTES = 8_000_000;
const KEPT = 500;
const SAMPLE_RATE = 22_050;

const known = new Map();

/**
 * Fetch a sound and draw how loud it is over time.
 *
 * @param {string} itemId
 * @param {AbortSignal} signal
 * @param {number} [index] of the file
 * @returns {Promise<SVGElement|null>} null where the browser cannot read it, or it is large
 */
export async function waveformOf(itemId, signal, index = 0) {
  const path = mediaPath(itemId, index);
  if (!known.has(path)) {
    if (known.size >= KEPT) known.delete(known.keys().next().value);
    known.set(path, await heightsOf(path, signal));
  }
  const heights = known.get(path);
  return heights && draw(heights);
}

async function heightsOf(path, signal) {
  const address = await loadable(path, signal);
  const answer = await fetch(address, { signal });
  if (!answer.ok || Number(answer.headers.get("content-length")) > MOST_BYTES) {
    await answer.body?.cancel();
    return null;
  }
  const bytes = await answer.arrayBuffer();
  try {
    const sound = await new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(bytes);
    return peaks(sound.getChannelData(0));
  } catch {
    return null;
  }
}

function peaks(samples) {
  const stretch = Math.max(1, Math.floor(samples.length / BARS));
  const found = [];
  for (let start = 0; start + stretch <= samples.length && found.length < BARS; start += stretch) {
    let most = 0;
    for (let i = start; i < start + stretch; i++) most = Math.max(most, Math.abs(samples[i]));
    found.push(most);
  }
  const top = Math.max(...found, 1e-6);
  return found.map((one) => one / top);
}

function draw(heights) {
  const shape = drawn("svg", { viewBox: `0 0 ${heights.length * 4} 64`, class: "waveform", preserveAspectRatio: "none", "aria-hidden": "true" });
  heights.forEach((height, i) => {
    const tall = Math.max(2, 60 * height);
    shape.append(drawn("rect", { x: i * 4, y: 32 - tall / 2, width: 2.4, height: tall, rx: 1.2 }));
  });
  return shape;
}
