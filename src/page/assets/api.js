// Asks the service that the page came from. The token lives in this module and nowhere else: not in storage, not in an
// address, and it is gone when the page is.

let token = null;

/** Where the page was found, which may be below a path of a proxy. */
const base = new URL(".", document.baseURI);

/** What the service answered in the place of an answer. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? `status ${status}`);
    this.status = status;
    this.errcode = body?.errcode ?? null;
  }
}

/** The service did not answer. */
export class Silent extends Error {}

export function useToken(text) {
  token = text;
}

export const hasToken = () => token !== null;

async function ask(path, { method = "GET", body, type = "application/json", headers = {}, signal } = {}) {
  const all = { ...headers };
  if (token !== null) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all["Content-Type"] = type;
  const options = { method, headers: all, body, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  const response = await fetch(new URL(path, base), options).catch((error) => {
    throw new Silent("the service does not answer", { cause: error });
  });
  if (response.status === 304) return { status: 304, tag: response.headers.get("ETag"), answer: null };
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, answer);
  return { status: response.status, tag: response.headers.get("ETag"), answer };
}

/** Asks with parameters; those that are null or undefined are left out. */
export async function get(path, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return (await ask(query === "" ? path : `${path}?${query}`, { signal })).answer;
}

export async function post(path, value) {
  return (await ask(path, { method: "POST", body: JSON.stringify(value) })).answer;
}

/** Sends a registration as it was written. */
export async function check(text) {
  return (await ask("v1/check", { method: "POST", body: text, type: "application/yaml" })).answer;
}

/** Which snapshot is in force, and under which tag. */
export const inForce = () => ask("v1/changes");

/** Waits until something has changed since a snapshot and a tag, or for so many seconds. */
export const changes = (since, tag, wait) =>
  ask(`v1/changes?${new URLSearchParams({ since, wait })}`, { headers: { "If-None-Match": tag } });
