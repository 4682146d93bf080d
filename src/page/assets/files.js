// The files with their states and faults: first those that are not as they stand on disk.

import { get } from "./api.js";
import { swatch } from "./colour.js";
import { byId, code, count, fill, h, more, prose } from "./dom.js";

const PAGE = 30;
const STATES = {
  active: ["✓", "active", "in force as it stands on disk"],
  held: ["◔", "held", "in force, and what was taken away lately is held for a while"],
  stale: ["▲", "stale", "what is on disk cannot be loaded; the last good content is in force"],
  quarantined: ["✕", "quarantined", "cannot be loaded, and nothing of it is in force"],
};

export function setUpFiles() {
  const input = byId("files-input");
  let timer = null;
  byId("files-form").addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(list, 200);
  });
}

export async function refreshFiles() {
  await Promise.all([listFaulty(), list()]);
}

async function listFaulty() {
  let shown = 0;
  const place = byId("faulty");
  const next = async () => {
    const { registrations, total } = await get("v1/registrations", { state: "held,stale,quarantined", limit: shown + PAGE });
    shown = registrations.length;
    byId("files-count").textContent = total > 0 ? ` ${total.toLocaleString("en")} ✕` : "";
    fill(place, total > 0 ? h("h3", {}, `${count(total, "file")} not as on disk`) : null, registrations.map((one) => file(one, true)), more(shown, total, "files", next));
  };
  await next();
}

async function list() {
  const contains = byId("files-input").value.trim();
  const place = byId("listing");
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.file));
  let shown = 0;
  const next = async () => {
    const parameters = { state: contains === "" ? "active" : null, contains: contains === "" ? null : contains, limit: shown + PAGE };
    const { registrations, total } = await get("v1/registrations", parameters);
    shown = registrations.length;
    const title = contains === "" ? `${count(total, "active file")}` : `${count(total, "file")} with “${contains}”`;
    fill(place, h("h3", {}, title), registrations.map((one) => file(one, open.has(one.file))), more(shown, total, "files", next));
  };
  await next();
}

function file(one, isOpen) {
  const [sign, word, meaning] = STATES[one.state];
  const summary = h("summary", {}, h("span.mark", { "aria-hidden": "true" }, sign), h("span.state", { title: meaning }, word), " ", one.id === undefined ? null : [swatch(one.id), " ", code(one.id), " "], h("span.place", {}, code(one.file)));
  return h("details.file", { open: isOpen, "data-file": one.file, "data-state": one.state }, summary, one.errors.map(fault), one.id === undefined ? null : loaded(one));
}

/** What is wrong with a file. */
export function fault({ code: name, message, line, column }) {
  return h("p.fault", {}, h("strong", {}, name), line === null || line === undefined ? null : ` line ${line}, column ${column}`, ": ", prose(message));
}

function loaded({ url, sender, namespaces, protocols, rate_limited: limited }) {
  const kinds = [["users", namespaces.users], ["aliases", namespaces.aliases], ["rooms", namespaces.rooms]];
  const entry = (one) => h("li", {}, code(one.regex), one.exclusive ? " exclusive" : " shared", one.group_id ? [" group ", code(one.group_id)] : null, h("span.place", {}, ` line ${one.line}`));
  const lists = kinds.filter(([, entries]) => entries.length > 0).map(([kind, entries]) => [h("dt", {}, kind), h("dd", {}, h("ul", {}, entries.map(entry)))]);
  return h("dl", {}, h("dt", {}, "own user"), h("dd", {}, code(sender)), h("dt", {}, "url"), h("dd", {}, url === null ? "none" : code(url)), lists, protocols.length > 0 ? [h("dt", {}, "protocols"), h("dd", {}, protocols.join(", "))] : null, limited ? null : [h("dt", {}, "rate limit"), h("dd", {}, "none")]);
}
