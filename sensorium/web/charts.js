/** Small charts out of elements: shares of modalities, parts of a score. */

import { element } from "./dom.js";
import { percent } from "./words.js";

const MODALITIES = { video: "Moving picture", image: "Picture", audio: "Sound", text: "Words" };

/**
 * Bars for shares; the words beside each bar say the same.
 *
 * @param {Array<{name: string, share: number, kind?: string, says?: string}>} rows
 */
export function bars(rows, label) {
  return element(
    "ul.bars",
    { "aria-label": label },
    rows.map((row) => {
      const bar = element("span.bar", { data: { kind: row.kind ?? "" }, "aria-hidden": "true" });
      bar.style.setProperty("--share", String(Math.max(0, Math.min(1, row.share))));
      return element(
        "li",
        {},
        element("span.bar-name", {}, row.name),
        element("span.bar-track", {}, bar),
        element("span.bar-says", {}, row.says ?? percent(row.share)),
      );
    }),
  );
}

/** How much each modality says about an item. */
export function weights(shares) {
  const rows = Object.entries(shares ?? {}).filter(([, share]) => share > 0);
  if (!rows.length) return null;
  rows.sort((one, other) => other[1] - one[1]);
  const named = rows.map(([kind, share]) => ({ name: MODALITIES[kind] ?? kind, share, kind }));
  return bars(named, "What each modality says about it");
}

/** What a score is the sum of; parts may be negative. */
export function parts(numbers) {
  const rows = Object.entries(numbers ?? {}).filter(([, value]) => Math.abs(value) > 1e-6);
  if (!rows.length) return null;
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)));
  rows.sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
  return bars(
    rows.map(([name, value]) => ({
      name: name.replaceAll("_", " "),
      share: Math.abs(value) / most,
      kind: value < 0 ? "against" : "for",
      says: `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`,
    })),
    "Parts of the score",
  );
}
