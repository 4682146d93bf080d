// The last changes: which names changed hands, and when.

import { get } from "./api.js";
import { swatch } from "./colour.js";
import { byId, code, count, fill, h, when } from "./dom.js";

const LAST = 20;
/** So many beginnings of a change are shown; who wants the others looks at the file. */
const NAMED = 8;
const WORDS = { added: ["+", "came into force"], changed: ["±", "changed"], removed: ["−", "is no longer in force"] };

export async function refreshChanges() {
  const { generations } = await get("v1/history", { limit: LAST });
  fill(byId("history"), h("ol.history", {}, generations.map(generation)));
}

function generation({ generation: number, digest, at_ms: at, was_complete: complete, reset, changes }) {
  const what = reset
    ? number === 1 ? "The first load" : "More changed than is told here"
    : changes.length === 0 ? "The state of a file or a source changed; what is in force did not" : count(changes.length, "service");
  const head = h("p", {}, when(at), " ", h("strong", {}, what), complete ? null : " · not complete", h("span.facts", {}, " · ", h("code", { title: digest }, digest.slice(0, 8))));
  return h("li", {}, head, changes.length > 0 ? h("ul", {}, changes.slice(0, LAST).map(change), changes.length > LAST ? h("li", {}, `and ${changes.length - LAST} more`) : null) : null);
}

function change({ as_id: id, change: what, touched }) {
  const [sign, words] = WORDS[what];
  const all = [...touched.user, ...touched.alias, ...touched.room].map((one) => one.id ?? `${one.prefix}…`);
  const named = all.slice(0, NAMED).flatMap((text, at) => (at > 0 ? [", ", code(text)] : [code(text)]));
  const rest = all.length > NAMED ? ` and ${all.length - NAMED} more` : "";
  return h("li", {}, h("span.mark", { "aria-hidden": "true" }, sign), swatch(id), " ", code(id), ` ${words}`, all.length > 0 ? [": ", named, rest] : null);
}
