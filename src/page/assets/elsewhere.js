// What other homeservers would say of an ID. That is dear to answer, so it is asked when somebody wants to know.

import { get } from "./api.js";
import { swatch } from "./colour.js";
import { announce, code, count, fill, h, prose } from "./dom.js";

/** A button that asks, and a place for what is answered. */
export function elsewhere({ id, kind }) {
  const place = h("div.elsewhere", {});
  const load = async (event) => {
    event.target.disabled = true;
    fill(place, h("p", {}, "Reading the files as each of them would …"));
    try {
      const { homeservers } = await get("v1/owners", { id, homeserver: "all" });
      fill(place, table(homeservers, kind));
      announce(`${count(homeservers.length, "homeserver")} asked`);
    } catch (error) {
      fill(place, h("p.problem", { role: "alert" }, error.message));
    }
    event.target.disabled = false;
  };
  return [h("p", {}, h("button.quiet", { type: "button", click: load }, "What would other homeservers say?")), place];
}

function table(homeservers, kind) {
  const titles = ["Homeserver", "Status", ...(kind === "room" ? [] : [kind === "alias" ? "Person may create it" : "Person may register it"]), "Files not loaded"];
  const head = h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
  const body = h("tbody", {}, homeservers.map((one) => row(one, kind)));
  return h("div.wide", { tabindex: "0", role: "region", "aria-label": "Homeservers" }, h("table", {}, h("caption", {}, "As each would answer if it were started with these files"), head, body));
}

function row({ homeserver, release, in_force: served, status, owner, person, not_loaded: files, more_not_loaded: others = 0 }, kind) {
  const name = h("th", { scope: "row", title: release }, homeserver, served ? " (this one)" : "");
  const holder = h("td", {}, status, owner === null ? null : [" ", swatch(owner), " ", code(owner)]);
  const decision = kind === "room" ? null : h("td", { title: person?.error }, person === undefined ? "—" : person.allowed ? "✓ yes" : "✕ no");
  return h("tr", {}, name, holder, decision, h("td", {}, missing(files, others)));
}

function missing(files, others) {
  if (files.length === 0) return "none";
  const file = ({ file: path, faults }) => h("li", {}, code(path.split("/").pop()), ": ", faults.map((fault) => prose(fault.message)));
  const summary = h("summary", {}, count(files.length + others, "file"));
  return h("details", {}, summary, h("ul.places", {}, files.map(file), others > 0 ? h("li", {}, `and ${others} more`) : null));
}
