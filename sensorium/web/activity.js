/** What the service is doing: the library in figures, jobs as they run, files that cannot be read. */

import { get } from "./api.js";
import { sayProblem } from "./dialogs.js";
import { button, element } from "./dom.js";
import { begin, jobCard } from "./jobs.js";
import { paged } from "./pages.js";
import { into, nothing, waiting } from "./states.js";
import { pickFiles } from "./upload.js";
import { ago, bytes } from "./words.js";

const MOST_JOBS = 12;

/** Show the screen. */
export function show() {
  const call = new AbortController();
  const [figures, jobs, quarantine] = [element("div"), element("div"), element("div")];
  const drawJobs = () => into(jobs, () => jobList(call.signal, refresh), waiting(1));
  const drawRest = () => {
    into(figures, () => figuresOf(call.signal), waiting(3));
    into(quarantine, () => quarantineOf(call.signal, drawJobs), waiting(1));
  };
  const refresh = () => setTimeout(() => call.signal.aborted || drawRest(), 1200);
  const node = element(
    "div.screen.narrow",
    {},
    element("header.head", {}, element("h1", {}, "Activity"), button("Add files", pickFiles, { icon: "add", kind: "primary" })),
    figures,
    element("section.part", {}, element("h2", {}, "Jobs"), jobs),
    element("section.part", { id: "quarantine" }, element("h2", {}, "Files that could not be read"), quarantine),
  );
  drawJobs();
  drawRest();
  addEventListener("jobs", drawJobs);
  return {
    title: "Activity", node,
    leave: () => {
      call.abort();
      removeEventListener("jobs", drawJobs);
    },
  };
}

async function figuresOf(signal) {
  const library = await get("/v1/library", {}, signal);
  const sum = (counts) => Object.values(counts ?? {}).reduce((one, other) => one + other, 0);
  const rows = [
    ["Items", library.items.toLocaleString()],
    ["Ready", (library.states?.ready ?? library.states?.complete ?? sum(library.states)).toLocaleString()],
    ["Unreadable", sum(library.quarantined).toLocaleString()],
    ["People", Number(library.users ?? 0).toLocaleString()],
    ["On disk", bytes(library.disk_bytes)],
  ];
  return element("dl.figures", {}, rows.map(([name, value]) => element("div.figure", {}, element("dt", {}, name), element("dd", {}, value))));
}

async function jobList(signal, onEnd) {
  const { jobs } = await get("/v1/jobs", { n: MOST_JOBS }, signal);
  if (!jobs.length) return element("p.muted", {}, "Nothing has run yet. Adding files or grouping by an aspect starts a job.");
  return jobs.map((job) => jobCard(job, { signal, onEnd }));
}

async function quarantineOf(signal, onJob) {
  const pages = paged("/v1/quarantine", "files", { n: 50 }, signal);
  const files = await pages.next();
  if (!files.length) return nothing("check", "Everything could be read", "Files that cannot be decoded would be listed here, with the reason.");
  const list = element("ul.quarantine", {}, files.map(row));
  const further = button("Show more", async () => {
    list.append(...(await pages.next()).map(row));
    further.hidden = pages.ended();
  });
  further.hidden = pages.ended();
  return [element("div.row", {}, retryButtons(files, onJob)), list, further];
}

function retryButtons(files, onJob) {
  const retry = async (request) => {
    try {
      await begin({ kind: "retry", ...request });
      onJob();
    } catch (error) {
      sayProblem(error);
    }
  };
  const codes = [...new Set(files.map((file) => file.code))].sort();
  const all = button("Try all again", () => retry({}), { icon: "retry" });
  const each = codes.length > 1 ? codes.map((code) => button(`Only ${code}`, () => retry({ code }), { kind: "quiet" })) : [];
  return [all, ...each];
}

function row(file) {
  return element(
    "li",
    {},
    element("div", {}, element("b", {}, file.item_id || lastPart(file.uri)), element("span.code", {}, file.code)),
    element("p.muted", {}, [file.message, file.failed_at && ago(file.failed_at)].filter(Boolean).join(" · ")),
  );
}

function lastPart(uri) {
  return String(uri ?? "").split("/").pop();
}
