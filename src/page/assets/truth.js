// The line of truth: may what is shown here be relied upon, and if not, what is missing, and since when.

import { get } from "./api.js";
import { announce, byId, code, count, fill, h, when } from "./dom.js";

let last = null;
let inForce = null;

/** The set that was in force when that was asked last. */
export const snapshotInForce = () => inForce;

/** Asks what is in force and says it. */
export async function refreshTruth() {
  const [status, history] = await Promise.all([get("v1/status"), historyIfReady()]);
  inForce = status.snapshot;
  show(status, history?.incomplete_since_ms ?? null);
  return status;
}

async function historyIfReady() {
  try {
    return await get("v1/history", { limit: 1 });
  } catch (error) {
    if (error.status === 503) return null;
    throw error;
  }
}

function show(status, since) {
  const [state, headline, parts] = judged(status);
  const line = byId("truth");
  line.dataset.state = state;
  const from = since === null ? ":" : [" since ", when(since), ":"];
  fill(line, h("p.headline", {}, mark(state), headline[0], from, " ", headline[1]), parts.length > 0 ? h("ul", {}, parts) : null, facts(status));
  document.title = `${state === "whole" ? "" : "⚠ "}bailiwick · ${status.server_name}`;
  const { homeserver, release } = status.answers_of;
  byId("server").textContent = homeserver === "synapse" ? status.server_name : `${status.server_name}, as ${release} answers`;
  const said = `${headline.join(": ")}. ${parts.map((part) => part.textContent).join(". ")}`;
  if (last !== null && last !== said) announce(said);
  last = said;
}

/** What stands before the line: a mark that is told by its shape. */
function mark(state) {
  const signs = { whole: "✓", partial: "▲", none: "✕" };
  return h("span.mark", { "aria-hidden": "true" }, signs[state]);
}

function judged(status) {
  if (!status.ready) return ["none", ["Not loaded yet", "nothing can be answered"], missing(status)];
  const parts = [...missing(status), ...files(status.registrations), ...restart(status.homeserver)];
  if (!status.complete) return ["partial", ["Not complete", "what is in force is not what stands on disk"], parts];
  if (status.homeserver.waiting_for_restart > 0) return ["partial", ["Complete", "but the homeserver lags behind"], parts];
  return ["whole", ["Complete", "what is in force is what stands on disk"], parts];
}

function missing(status) {
  return status.missing.map(({ source, problem }) => h("li", {}, code(source), ` ${problem}`));
}

function files({ held, stale, quarantined }) {
  const parts = [];
  const link = (text) => h("a", { href: "#files" }, text);
  if (quarantined > 0) parts.push(h("li", {}, link(count(quarantined, "file")), " cannot be loaded, and nothing of it is in force: its names are not guarded"));
  if (stale > 0) parts.push(h("li", {}, link(count(stale, "file")), " cannot be loaded as it is now; the last good content is in force"));
  if (held > 0) parts.push(h("li", {}, link(count(held, "file")), " lost claims a moment ago, which are held for a while"));
  return parts;
}

function restart({ waiting_for_restart: waiting, waiting: ids, workers }) {
  const parts = [];
  if (waiting > 0) {
    const named = ids.slice(0, 5).flatMap((id, at) => (at > 0 ? [", ", code(id)] : [code(id)]));
    const rest = waiting > 5 ? ` and ${waiting - 5} more` : "";
    parts.push(h("li", {}, `${count(waiting, "registration")} wait${waiting === 1 ? "s" : ""} for a restart of the homeserver: `, named, rest));
  }
  const behind = workers.filter((worker) => worker.behind);
  if (behind.length > 0) parts.push(h("li", {}, "These processes of the homeserver go by an older set: ", behind.map((worker) => worker.worker).join(", ")));
  return parts;
}

function facts(status) {
  const { active, held, stale, quarantined } = status.registrations;
  const { user, alias, room } = status.namespaces;
  const files = count(active + held + stale + quarantined, "file");
  const entries = `${user.toLocaleString("en")} entries for users, ${alias.toLocaleString("en")} for aliases, ${room.toLocaleString("en")} for rooms`;
  const loaded = status.ready ? [" · in force since ", when(status.loaded_at_ms)] : [];
  return h("p.facts", {}, `${files} · ${entries}`, loaded, " · snapshot ", h("code", { title: status.snapshot }, status.snapshot.slice(0, 8)), ` · bailiwick ${status.version}`);
}

/** The service does not answer: what is shown may be out of date. */
export function showSilence(since) {
  const line = byId("truth");
  line.dataset.state = "none";
  const said = "No answer from the service";
  fill(line, h("p.headline", {}, mark("none"), said, " since ", when(since), ": what is shown may be out of date"));
  if (last !== said) announce(said);
  last = said;
}
