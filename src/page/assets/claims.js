// Who claims what below the prefix that the map shows: the map in words.

import { get } from "./api.js";
import { place } from "./answer.js";
import { swatch } from "./colour.js";
import { byId, code, fill, h, more } from "./dom.js";

/** So many at a time: a screenful. */
const PAGE = 20;

export async function showClaims(prefix) {
  const rows = [];
  const body = h("tbody", {});
  const table = h("table.claims", {}, h("caption", {}, "Entries that may claim names that begin with ", code(prefix)), head(), body);
  const rest = h("div", {});
  const next = async () => {
    const { claims, total } = await get("v1/claims", { prefix, skip: rows.length, limit: PAGE });
    rows.push(...claims);
    fill(body, rows.map(row));
    fill(rest, more(rows.length, total, "entries", next));
    return total;
  };
  const total = await next();
  fill(byId("claims"), total > 0 ? [h("div.wide", { tabindex: "0", role: "region", "aria-label": "Entries" }, table), rest] : null);
}

function head() {
  const titles = ["Begins with", "Service", "How", "Regex", "Where"];
  return h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
}

function row(claim) {
  const how = claim.exclusive ? "exclusive" : "shared";
  const regex = claim.regex === null ? "its own user" : code(claim.regex);
  return h("tr", {}, h("td", {}, code(claim.beginning)), h("td", {}, swatch(claim.as_id), " ", code(claim.as_id)), h("td", {}, how), h("td", {}, regex), h("td", {}, place(claim)));
}
