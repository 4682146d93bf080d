// The box: an ID, or a name as it was typed.

import { post } from "./api.js";
import { showAnswer, showPublicAnswer } from "./answer.js";
import { announce, byId, fill, h } from "./dom.js";

let server = "";
let mayRead = false;
/** What was asked last, to be asked again when something has changed. */
let asked = null;
/** Counts questions, so that an answer that comes late shows nothing in the place of a later one. */
let turn = 0;

export function setUpAsking(serverName, role) {
  server = serverName;
  mayRead = role !== "register";
  byId("ask-input").placeholder = mayRead ? `@irc_alice:${server || "example.com"} or irc_alice` : "alice";
  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(byId("ask-input").value);
  });
}

/** Asks about what stands in the box from now on. */
export function askAbout(text) {
  byId("ask-input").value = text;
  return ask(text);
}

/** Asks the last question again: its answer may be another one now. */
export function askAgain() {
  return asked === null ? Promise.resolve() : ask(asked, true);
}

async function ask(typed, quietly = false) {
  const text = typed.trim();
  const place = byId("answer");
  turn += 1;
  const mine = turn;
  asked = text === "" ? null : text;
  if (text === "") return fill(place);
  try {
    const answer = mayRead ? await questions(meant(text)) : await publicQuestion(text);
    if (mine !== turn) return;
    fill(place, mayRead ? showAnswer(answer) : showPublicAnswer(answer));
  } catch (error) {
    if (mine !== turn) return;
    fill(place, h("p.problem", {}, error.message));
  }
  if (!quietly) announce(place.querySelector(".verdict, .problem")?.textContent ?? "");
}

/** What an ID or a name means: a name without a sigil is a user's; one without a server is of this one. */
function meant(text) {
  if (!/^[@#!]/u.test(text)) return { id: `@${text}:${server}`, localpart: text };
  const whole = text.startsWith("!") || text.includes(":") ? text : `${text}:${server}`;
  return { id: whole, localpart: null };
}

async function publicQuestion(text) {
  return post("v1/may-register", text.startsWith("@") ? { user_id: text } : { localpart: text });
}

/** Who owns it, may a person take it, and may each of the services that claim it. */
async function questions({ id, localpart }) {
  const { results, complete } = await post("v1/owners", { ids: [id] });
  const owned = results[0];
  if (owned.errcode) throw new Error(owned.error);
  const question = (by) => decision(owned.kind, id, by === null ? localpart : null, by);
  const person = await question(null);
  // Of a name as it was typed, what counts is the ID that it becomes; an ID that was given whole is that ID and no other.
  const taken = localpart === null ? id : (person.user_id ?? id);
  const ownership = taken === id ? owned : (await post("v1/owners", { ids: [taken] })).results[0];
  const services = [...new Set(ownership.claims.map((claim) => claim.as_id))];
  const each = await Promise.all(services.slice(0, 12).map((service) => decision(ownership.kind, taken, null, service)));
  return { ownership, person, services: each.filter((one) => one !== null), left: services.length - each.length, complete };
}

/**
 * A decision about a user or an alias; nobody asks whether a room may be made. A person's name becomes one of small letters,
 * but not where the ID itself is asked about, such as one that only a service can have made.
 */
async function decision(kind, id, localpart, service) {
  const by = service !== null ? { as_id: service } : kind === "user" ? { as_typed: true } : {};
  if (kind === "user") return post("v1/may-register", localpart === null ? { user_id: id, ...by } : { localpart });
  if (kind === "alias") return post("v1/may-create-alias", { alias: id, ...by });
  return null;
}
