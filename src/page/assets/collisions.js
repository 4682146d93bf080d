// What collides, proved by an ID, and the way out of each.

import { get } from "./api.js";
import { place } from "./answer.js";
import { swatch } from "./colour.js";
import { byId, code, count, fill, h, more, prose } from "./dom.js";
import { snapshotInForce } from "./truth.js";

const PAGE = 25;
const TITLES = { error: "error", warning: "warning", note: "note" };
const SIGNS = { error: "⚠", warning: "▲", note: "·" };

let askAbout = () => {};
/** The set whose comparison is shown. */
let compared = null;

export function setUpCollisions(ask) {
  askAbout = ask;
}

/** Whether what is shown is of another set than the one in force: a large one is compared after it has come into force. */
export const areBehind = () => compared !== snapshotInForce();

export async function refreshCollisions() {
  const open = new Set([...byId("findings").querySelectorAll("details[open]")].map((one) => one.dataset.severity));
  const [groups, left] = await Promise.all([
    Promise.all(Object.keys(TITLES).map((severity) => group(severity, open.has(severity)))),
    get("v1/conflicts", { code: "not-compared", limit: 0, wait: 5 }),
  ]);
  compared = left.snapshot;
  const [errors] = groups.map(({ total }) => total);
  byId("collisions-count").textContent = errors > 0 ? ` ${errors.toLocaleString("en")}` : "";
  const nothing = h("p", {}, "✓ Nothing collides.");
  // Otherwise no collision here would be taken for none.
  const partly = left.total === 0 ? null : h("p.problem", {}, `▲ Not everything was compared: `, code("not-compared"), ` among the notes says what (${left.total.toLocaleString("en")}).`);
  const behind = areBehind() ? h("p.behind", {}, "▲ What is in force is still being compared: this is of the set before it.") : null;
  fill(byId("findings"), behind, partly, groups.every(({ total }) => total === 0) ? nothing : groups.map(({ element }) => element));
}

async function group(severity, wasOpen) {
  const list = h("div", {});
  const rest = h("div", {});
  let shown = 0;
  const next = async () => {
    const { findings, total } = await get("v1/conflicts", { severity, limit: shown + PAGE, wait: 5 });
    shown = findings.length;
    fill(list, findings.map(finding));
    fill(rest, more(shown, total, `${severity}s`, next));
    return total;
  };
  const isOpen = severity === "error" || wasOpen;
  const { total } = isOpen ? { total: await next() } : await get("v1/conflicts", { severity, limit: 0, wait: 5 });
  if (total === 0) return { total, element: null };
  const summary = h("summary", {}, h("span.mark", { "aria-hidden": "true" }, SIGNS[severity]), count(total, TITLES[severity]));
  const toggle = (event) => event.target.open && shown === 0 && next();
  return { total, element: h("details", { open: isOpen, "data-severity": severity, toggle }, summary, list, rest) };
}

/** A finding, wherever one is shown. */
export function finding(found) {
  const witness = found.witness === null ? null : h("p", {}, "Proved by ", h("button.link", { type: "button", click: () => askAbout(found.witness) }, code(found.witness)), found.witness_is === "remote" ? ", an ID of another server" : "");
  return h("article.finding", { "data-severity": found.severity }, h("p.said", {}, h("span.mark", { "aria-hidden": "true" }, SIGNS[found.severity]), h("strong", {}, found.code), ": ", prose(found.message)), h("ul.places", {}, found.places.map(shownPlace)), witness, h("p", {}, "Way out: ", prose(found.help)), mend(found.fix));
}

/** An edit that ends it, where one is proved to. */
function mend(fix) {
  if (fix === null || fix === undefined) return null;
  return h("p.mend", {}, "Proved to end it: in ", place(fix), " write ", code(fix.with), " in the place of ", code(fix.replace), ": ", prose(fix.why));
}

function shownPlace(found) {
  return h("li", {}, swatch(found.as_id), " ", code(found.as_id), found.regex === null ? null : [" ", code(found.regex)], " ", place(found));
}
