/** The shape of a sound over time, drawn from the sound itself. */

import { drawn } from "./dom.js";

const BARS = 120;
const MOST_BYTES = 20_000_000;

/**
 * Fetch a sound and draw how loud it is over time.
 *
 * @param {string} address what a player would load
 * @param {AbortSignal} signal
 * @returns {Promise<SVGElement|null>} null where the browser cannot read it, or it is long
 */
export async function waveformOf(address, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok || Number(answer.headers.get("content-length")) > MOST_BYTES) return null;
  const context = new OfflineAudioContext(1, 1, 22_050);
  try {
    const sound = await context.decodeAudioData(await answer.arrayBuffer());
    return draw(peaks(sound.getChannelData(0)));
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
