/** Numbers, times and names as people read them. */

/** @returns {string} 1:05 or 1:02:03 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** @returns {string} such as 12 photos, 1 photo */
export function count(number, one, many = `${one}s`) {
  return `${Number(number).toLocaleString()} ${Number(number) === 1 ? one : many}`;
}

/** @returns {string} a share in [0, 1] as 42% */
export function percent(share) {
  return `${Math.round(100 * share)}%`;
}

/** @returns {string} such as 5.5 MB */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [left, unit] = [number, 0];
  while (left >= 1000 && unit < units.length - 1) [left, unit] = [left / 1000, unit + 1];
  return `${left < 10 && unit ? left.toFixed(1) : Math.round(left)} ${units[unit]}`;
}

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** @returns {string} such as 3 hours ago */
export function ago(time) {
  const seconds = (new Date(time) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return "";
  const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
  return step ? RELATIVE.format(Math.round(seconds / step[1]), step[0]) : "just now";
}

/** @returns {string} a name for an item: its title, else the last part of its id */
export function nameOf(item) {
  return item.title || String(item.item_id ?? "").split("/").pop();
}

/** What a kind of item is called. */
export const KINDS = { image: "Photo", video: "Video", audio: "Sound", text: "Text" };
