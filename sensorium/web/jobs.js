/** Jobs of the service as cards that follow their progress. */

import { ask, follow, get } from "./api.js";
import { sayProblem } from "./dialogs.js";
import { button, element, fill } from "./dom.js";
import { ago, percent } from "./words.js";

const KINDS = { index: "Indexing", cluster: "Grouping", retry: "Trying files again", train: "Training" };
const OVER = ["done", "failed", "cancelled"];

/** @returns {boolean} whether a job has ended */
export function isOver(job) {
  return OVER.includes(job.state);
}

/** Begin a job. */
export function begin(request) {
  return ask("/v1/jobs", { body: request });
}

/**
 * Make a card that follows a job until its end.
 *
 * @param {Object} job as the service tells it
 * @param {{signal?: AbortSignal, onEnd?: (job: Object) => void}} [having]
 */
export function jobCard(job, { signal, onEnd } = {}) {
  const card = element("article.job", { data: { state: job.state } });
  draw(card, job);
  if (!isOver(job)) watch(card, job, signal, onEnd);
  return card;
}

async function watch(card, job, signal, onEnd) {
  let latest = job;
  try {
    for await (const { data } of follow(`/v1/jobs/${job.job_id}/events`, signal)) {
      if (!data?.state) continue;
      latest = data;
      draw(card, latest);
    }
    if (!isOver(latest)) {
      latest = await get(`/v1/jobs/${job.job_id}`, {}, signal);
      draw(card, latest);
    }
    if (isOver(latest)) onEnd?.(latest);
  } catch (error) {
    sayProblem(error);
  }
}

function draw(card, job) {
  card.dataset.state = job.state;
  const share = job.progress?.share;
  fill(
    card,
    element(
      "div.job-head",
      {},
      element("b", {}, titleOf(job)),
      element("span.state", { data: { state: job.state } }, job.state),
      element("span.muted", {}, ago(job.finished_at ?? job.started_at ?? job.created_at)),
      isOver(job) ? null : button("Cancel", () => cancel(job), { kind: "quiet" }),
    ),
    isOver(job) ? null : meter(share),
    element("p.job-words", { role: "status" }, wordsOf(job, share)),
    job.error?.hint ? element("p.note", {}, job.error.hint) : null,
  );
}

function meter(share) {
  const known = Number.isFinite(share ?? NaN);
  const bar = element("div.meter", {
    role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-valuenow": known ? Math.round(100 * share) : null, class: known ? "meter" : "meter unknown",
  }, element("span"));
  if (known) bar.style.setProperty("--share", String(share));
  return bar;
}

function titleOf(job) {
  const asked = job.request ?? {};
  const what = asked.by ?? asked.model ?? "";
  return [KINDS[job.kind] ?? job.kind, job.kind === "cluster" && what ? `by ${what}` : what].filter(Boolean).join(" ");
}

function wordsOf(job, share) {
  if (job.error) return job.error.detail;
  const words = job.progress?.words ?? "";
  if (isOver(job) || !Number.isFinite(share ?? NaN)) return words;
  return [percent(share), words].filter(Boolean).join(" · ");
}

async function cancel(job) {
  try {
    await ask(`/v1/jobs/${job.job_id}/cancel`, { method: "POST" });
  } catch (error) {
    sayProblem(error);
  }
}
