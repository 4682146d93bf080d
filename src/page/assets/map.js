// The map: names as a tree of what they begin with. A cell is a prefix; what is in it begins so.

import { get } from "./api.js";
import { showClaims } from "./claims.js";
import { paint } from "./colour.js";
import { announce, byId, code, count, fill, h } from "./dom.js";
import { squarified } from "./treemap.js";

const KINDS = [["@", "Users"], ["#", "Aliases"], ["!", "Rooms"]];
/** A cell that is to be read takes so many square pixels, or more. */
const LEGIBLE = 4200;
/** So wide is a character of a label, and so high a line of it. */
const CHARACTER = 7.3;
const LINE = 17;
/** What a closed cell has besides its label: whose it is, and its edges. */
const BELOW_LABEL = 22;
/** What is written above the cells that are in a cell takes so many pixels. */
const HEADING = 21;
/** Cells that are less wide or high have nothing in them. */
const ROOM_FOR_CELLS = 44;

let prefix = "@";
let server = "";
let askAbout = () => {};
let shown = null;
/** The size that the cells were laid for. */
let drawn = { width: 0, height: 0 };
let turn = 0;

export function setUpMap(serverName, ask) {
  server = serverName;
  askAbout = ask;
  fill(byId("kinds"), h("legend.unseen", {}, "Kind of name"), KINDS.map(kindChoice));
  byId("cells").addEventListener("keydown", moveByKey);
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = byId("cells");
    if (shown !== null && width > 0 && (width !== drawn.width || height !== drawn.height)) draw();
  }).observe(byId("cells"));
  fill(byId("legend"), "A cell is what names begin with; larger: more entries. Colour: whose, as its label says. Striped: several services. ⚠ hatched: contested, nobody can register it. Click or Enter asks about a name in it, and goes into it; arrow keys go about; Escape goes out.");
}

function kindChoice([sigil, label]) {
  const id = `kind-${label.toLowerCase()}`;
  const input = h("input", { type: "radio", name: "kind", id, value: sigil, checked: sigil === prefix[0], change: () => goTo(sigil) });
  return h("span.choice", {}, input, h("label", { for: id }, label));
}

/** Shows what is below a prefix. */
export async function goTo(next, { focus = false } = {}) {
  prefix = next;
  turn += 1;
  const mine = turn;
  const { width, height } = byId("cells").getBoundingClientRect();
  const limit = Math.round(Math.min(400, Math.max(60, (width * height) / LEGIBLE)));
  let answer;
  try {
    answer = await get("v1/names", { prefix, limit, wait: 5 });
  } catch (error) {
    if (mine === turn) fill(byId("cells"), h("p.problem", {}, error.message));
    return;
  }
  if (mine !== turn) return;
  shown = answer;
  draw();
  if (focus) {
    byId("cells").querySelector("button")?.focus();
    announce(`In ${prefix}: ${described(answer)}`);
  }
  await showClaims(prefix);
}

/** The same place again: what is there may have changed. */
export function refreshMap() {
  return goTo(prefix);
}

function draw() {
  const place = byId("cells");
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.prefix : null;
  drawn = { width: place.clientWidth, height: place.clientHeight };
  const area = { x: 0, y: 0, w: drawn.width, h: drawn.height };
  const cells = laid(shown.names, area, shown.prefix);
  fill(place, cells.length > 0 ? h("ul", {}, cells) : h("p.empty", {}, `No entry begins with ${prefix}`, shown.reaching > 0 ? `; ${count(shown.reaching, "entry", "entries")} with a shorter beginning may claim such names.` : "."));
  const buttons = [...place.querySelectorAll("button")];
  buttons.forEach((button, at) => button.setAttribute("tabindex", at === 0 ? "0" : "-1"));
  if (focused !== null) (buttons.find((button) => button.dataset.prefix === focused) ?? buttons[0])?.focus();
  for (const choice of byId("kinds").querySelectorAll("input")) choice.checked = choice.value === prefix[0];
  drawTrail();
}

/** Cells for nodes beside each other. Areas grow more slowly than counts, so that what is small can be read beside what is large. */
function laid(nodes, area, within) {
  const cells = nodes.flatMap((node) => dissolved(node, within));
  const places = squarified(cells.map((node) => node.claims ** 0.65), area);
  return cells.map((node, at) => cell(node, places[at], within));
}

/** Names go on in words, and the tree in characters: what is opened and begins no word (`@s` of `@signal_` and `@slack_`) is left out. */
function dissolved(node, above) {
  const beginsWord = node.here > 0 || /[^\p{L}\p{N}]/u.test(node.prefix.slice(above.length));
  return node.names.length > 0 && !beginsWord ? node.names.flatMap((inner) => dissolved(inner, node.prefix)) : [node];
}

function cell(node, { x, y, w, h: height }, within) {
  const inner = { x: 2, y: HEADING, w: w - 7, h: height - HEADING - 5 };
  const opened = node.names.length > 0 && inner.w > ROOM_FOR_CELLS && inner.h > ROOM_FOR_CELLS / 2;
  const closed = node.branches > 0 && !opened;
  const item = h("li", { "data-open": opened });
  Object.assign(item.style, { left: `${x}px`, top: `${y}px`, width: `${Math.max(0, w - 2)}px`, height: `${Math.max(0, height - 2)}px` });
  const name = `${node.prefix}: ${described(node)}`;
  const lines = opened ? 1 : Math.max(1, Math.floor((height - BELOW_LABEL) / LINE));
  const room = lines * Math.floor((w - 14) / CHARACTER) - (node.contested > 0 ? 2 : 0);
  const label = h("span.label", { "aria-hidden": "true" }, node.contested > 0 ? h("span.warning", {}, "⚠ ") : null, labelOf(node.prefix, within, room));
  label.style.maxHeight = `${lines * LINE}px`;
  const owner = opened || height < 46 ? null : h("span.owner", { "aria-hidden": "true" }, ownerOf(node, closed));
  const button = h("button", { type: "button", "data-prefix": node.prefix, title: name, click: () => enter(node) }, h("span.unseen", {}, name), label, owner);
  const contested = node.contested > 0 && !opened;
  if (!contested && (!opened || node.services === 1)) paint(item, node.as_ids);
  item.classList.toggle("contested", contested);
  item.append(button);
  if (opened) item.append(h("ul", {}, laid(node.names, inner, node.prefix)));
  return item;
}

/** What stands on a cell: the prefix without its sigil where it fits, else what it adds to the one around it, and of that the end. */
function labelOf(text, within, room) {
  const local = text.endsWith(`:${server}`) ? text.slice(0, -server.length) : text;
  const whole = local.slice(1);
  if (whole.length <= room) return whole;
  const added = within.length < 2 ? whole : `…${local.slice(within.length)}`;
  if (added.length <= room) return added;
  // Where hardly anything has room, the end tells cells beside each other apart; of a whole ID, the beginning tells more.
  if (room < 3) return room < 1 ? "" : local.slice(-room);
  return whole.includes(":") ? added : `…${added.slice(1 - room)}`;
}

function ownerOf(node, closed) {
  if (node.services === 1) return closed ? `${node.as_ids[0]} ▸` : node.as_ids[0];
  return `${count(node.services, "service")}${closed ? " ▸" : ""}`;
}

/** A node in words, for those who do not see it. */
function described(node) {
  const parts = [count(node.claims, "entry", "entries")];
  if (node.services === 1 && node.as_ids) parts.push(`of ${node.as_ids[0]}`);
  else parts.push(`of ${count(node.services, "service")}`);
  if (node.exclusive < node.claims) parts.push(`${node.exclusive.toLocaleString("en")} exclusive`);
  if (node.contested > 0) parts.push(`contested: ${count(node.contested, "collision")}`);
  return parts.join(", ");
}

/** Asks about a name in a cell, and goes into it where there is something to go into. */
function enter(node) {
  askAbout(example(node.prefix));
  return node.branches > 0 ? goTo(node.prefix, { focus: true }) : showClaims(node.prefix);
}

/** A name that begins so: the prefix itself where it is a whole ID. */
function example(text) {
  return text.includes(":") || text.startsWith("!") ? text : `${text}1:${server}`;
}

/** Where one is: each step leads back. */
function drawTrail() {
  const steps = trail();
  const links = steps.map((step, at) => (at === steps.length - 1
    ? h("span", { "aria-current": "location" }, code(step))
    : [h("button.quiet", { type: "button", click: () => goTo(step, { focus: true }) }, code(step)), h("span", { "aria-hidden": "true" }, " › ")]));
  const sum = h("span.facts", {}, ` ${described(shown)}`);
  fill(byId("trail"), links, sum);
}

let visited = ["@"];

/** The prefixes on the way here, as one has come. */
function trail() {
  visited = [...visited.filter((step) => step !== prefix && prefix.startsWith(step)), prefix];
  if (visited[0] !== prefix[0]) visited.unshift(prefix[0]);
  return visited;
}

/** Arrow keys go to the nearest cell on that side, Escape goes out. */
function moveByKey(event) {
  if (event.key === "Escape" || event.key === "Backspace") {
    if (visited.length < 2) return;
    event.preventDefault();
    goTo(visited[visited.length - 2], { focus: true });
    return;
  }
  const sides = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const side = sides[event.key];
  const from = event.target.closest("button");
  if (side === undefined || from === null) return;
  event.preventDefault();
  const next = nearest(from, side);
  if (next === null) return;
  from.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

/** The button whose middle lies nearest on a side: a step aside counts twice. */
function nearest(from, [dx, dy]) {
  const middle = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  };
  const here = middle(from);
  let best = null;
  for (const button of byId("cells").querySelectorAll("button")) {
    const there = middle(button);
    const ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    const far = ahead + 2 * aside;
    if (ahead > 1 && (best === null || far < best.far)) best = { button, far };
  }
  return best?.button ?? null;
}
