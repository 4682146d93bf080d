// What is answered about an ID, in words.

import { swatch } from "./colour.js";
import { code, fill, h, more, prose } from "./dom.js";
import { elsewhere } from "./elsewhere.js";

const STATUS = {
  unclaimed: ["Nobody’s", "no service claims it"],
  shared: ["Shared", "claimed, but by nobody for itself alone"],
  exclusive: ["Held", "one service holds it exclusively"],
  contested: ["Contested", "several services hold it exclusively, so that nobody can register it"],
};

/** All that is known of an ID, for those who may see what is loaded. */
export function showAnswer({ ownership, person, services, left, complete }) {
  const { id, kind, status, owner, claims } = ownership;
  const [word, meaning] = STATUS[status];
  return [
    h("p.verdict", { "data-status": status }, h("span.mark", { "aria-hidden": "true" }, marks[status]), h("strong", {}, word), owner === null ? null : [" by ", swatch(owner), " ", code(owner)], ": ", code(id)),
    h("p.facts", {}, ownership.local === false ? `${meaning}; it is not of this server` : meaning, complete ? "" : ". The set is not complete: what is not known here may claim it, too"),
    claims.length > 0 ? h("h3", {}, claims.length === 1 ? "The entry that decides" : "The entries that decide") : null,
    shownClaims(claims),
    decisions(person, services, left, kind),
    elsewhere(ownership),
  ];
}

const marks = { unclaimed: "○", shared: "◐", exclusive: "●", contested: "⚠" };

/** So many are shown at first: what is said of who may take it is to be seen below. */
const FIRST_CLAIMS = 6;

function shownClaims(claims) {
  const list = h("div", {});
  const all = () => fill(list, claims.map(shownClaim));
  fill(list, claims.slice(0, FIRST_CLAIMS).map(shownClaim), more(FIRST_CLAIMS, claims.length, "entries", all));
  return list;
}

function shownClaim(claim) {
  const how = claim.exclusive ? "exclusively" : "without exclusivity";
  const by = claim.via === "sender" ? "as its own user" : ["by entry ", String(claim.index + 1), ": ", code(claim.regex)];
  return h("div.claim", {}, h("p", {}, swatch(claim.as_id), " ", code(claim.as_id), ` claims it ${how} `, by), h("p", {}, place(claim)), claim.step_limit ? h("p.facts", {}, "The regex ran out of steps on this ID, which therefore counts as claimed.") : null);
}

/** Where something stands: a file, whose directories the title says, and a line. */
export function place({ file, line, column }) {
  return h("span.place", { title: `${file}:${line}:${column}` }, code(`${file.split("/").pop()}:${line}`));
}

function decisions(person, services, left, kind) {
  if (person === null) return h("p.facts", {}, "A room is made by the homeserver, which asks nobody.");
  const verb = kind === "alias" ? "create" : "register";
  const rows = [row(`A person may ${verb} it`, `No person may ${verb} it`, person), ...alike(services).map(([first, names]) => row([names, ` may ${verb} it`], [names, ` may not ${verb} it`], first))];
  return [h("h3", {}, "Who may take it"), h("ul.decisions", {}, rows), left > 0 ? h("p.facts", {}, `${left} more services claim it.`) : null];
}

/** Services of which the same is said, together. */
function alike(services) {
  const groups = Map.groupBy(services, (one) => `${one.allowed} ${one.error}`);
  return [...groups.values()].map((group) => [group[0], group.flatMap((one, at) => (at > 0 ? [", ", code(one.as_id)] : [code(one.as_id)]))]);
}

function row(yes, no, decision) {
  const words = decision.allowed ? yes : no;
  const sign = h("span.mark", { "aria-hidden": "true" }, decision.allowed ? "✓" : "✕");
  return h("li", { "data-allowed": String(decision.allowed) }, sign, words, decision.error ? [": ", prose(decision.error)] : null);
}

/** The same in public words, for a token that may only ask about registering. */
export function showPublicAnswer({ allowed, user_id: id, message, complete }) {
  const word = allowed ? "Free to register" : "Not to be had";
  return [
    h("p.verdict", { "data-status": allowed ? "unclaimed" : "exclusive" }, h("span.mark", { "aria-hidden": "true" }, allowed ? "✓" : "✕"), h("strong", {}, word), ": ", code(id)),
    message ? h("p", {}, message) : null,
    complete ? null : h("p.facts", {}, "The set is not complete: the homeserver has the last word."),
  ];
}
