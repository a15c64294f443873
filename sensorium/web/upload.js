/** Adding files to the library, by a dialog or by dropping them. */

import { ask } from "./api.js";
import { addressOf, askedBy, keepFile } from "./asking.js";
import { say, sayProblem } from "./dialogs.js";
import { element } from "./dom.js";
import { current, go, to } from "./routes.js";
import { count } from "./words.js";

/** Let the person choose files to add. */
export function pickFiles() {
  const field = element("input", { type: "file", multiple: true, class: "unseen", on: { change: () => addFiles([...field.files]) } });
  field.click();
}

/** Send files one after the other; each becomes an item through a job. */
export async function addFiles(files) {
  let added = 0;
  say(`Adding ${count(files.length, "file")}…`);
  for (const file of files) {
    const form = new FormData();
    form.append("file", file, file.name);
    try {
      await ask("/v1/items", { body: form });
      added += 1;
    } catch (error) {
      sayProblem(error);
      if (error.status === 0 || error.status === 401) break;
    }
  }
  if (!added) return;
  dispatchEvent(new Event("jobs"));
  say(`${count(added, "file")} received, being indexed now.`, { act: "Watch", press: () => go(to("activity")) });
}

/** Search by a file, beside the words that are asked for already. */
export function searchBy(file) {
  const number = keepFile(file);
  if (!number) {
    say(`${file.name || "This file"} is no picture, sound or clip that can be searched by.`);
    return;
  }
  const route = current();
  const asked = askedBy(route.name === "search" ? route.query : new URLSearchParams());
  go(addressOf({ ...asked, drop: [...asked.drop, number] }));
}

/** Take files that are dropped or pasted anywhere on the page. */
export function takeDrops() {
  const zone = (name, title, sentence) =>
    element("div.drop-zone", { data: { zone: name } }, element("b", {}, title), element("span", {}, sentence));
  const search = zone("search", "Search with this", "Find what looks or sounds like it");
  const add = zone("add", "Add to library", "Keep it, and index it now");
  const cover = element("div.drop-cover", { hidden: true, "aria-hidden": "true" }, search, add);
  document.body.append(cover);
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (event) => event.target.closest?.(".drop-zone");

  addEventListener("dragenter", (event) => {
    if (holdsFiles(event)) cover.hidden = false;
  });
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    for (const one of [search, add]) one.classList.toggle("over", over(event) === one);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) cover.hidden = true;
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    cover.hidden = true;
    const files = [...event.dataTransfer.files];
    if (over(event) === add || files.length > 1) addFiles(files);
    else if (files.length) searchBy(files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (file) {
      event.preventDefault();
      searchBy(file);
    }
  });
}
