// Asks every operation through openapi-fetch, with the settings that it comes with.

import createClient from "openapi-fetch";
import type { paths } from "./contract.js";

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2] });
const irc = "@irc_alice:example.com";

function say(operation: string, { response, right }: { response: Response; right: boolean }): void {
  console.log(JSON.stringify({ operation, status: response.status, right }));
}

const owner = await client.GET("/v1/owners", { params: { query: { id: irc, homeserver: "tuwunel" } } });
const there = owner.data?.homeservers?.[0];
const held = [owner.data, there].every((one) => one?.claims.some((claim) => claim.as_id === "appservice-irc"));
say("GET /v1/owners", { ...owner, right: held && there?.homeserver === "tuwunel" });

const owners = await client.POST("/v1/owners", { body: { ids: [irc, "no ID"] } });
say("POST /v1/owners", { ...owners, right: owners.data?.results.length === 2 });

const byQuery = await client.GET("/v1/may-register", {
  params: { query: { user_id: irc, as_id: "appservice-irc" } },
});
say("GET /v1/may-register", { ...byQuery, right: byQuery.data?.as_id === "appservice-irc" });

const byBody = await client.POST("/v1/may-register", { body: { localpart: "telegram_4711" } });
say("POST /v1/may-register", { ...byBody, right: byBody.data?.message === "this name is reserved" });

const alias = await client.POST("/v1/may-create-alias", { body: { alias: "#irc_rust:example.com" } });
say("POST /v1/may-create-alias", { ...alias, right: alias.data?.alias === "#irc_rust:example.com" });

const act = await client.POST("/v1/may-act", { body: { user_id: "@telegram_4711:example.com", as_id: "telegram" } });
say("POST /v1/may-act", { ...act, right: act.data?.allowed === true });

const available = await client.GET("/_matrix/client/v3/register/available", {
  params: { query: { username: "alice" } },
});
say("GET /_matrix/client/v3/register/available", { ...available, right: available.data?.available === true });

const registrations = await client.GET("/v1/registrations");
say("GET /v1/registrations", { ...registrations, right: registrations.data?.registrations.length === 8 });

const registration = await client.GET("/v1/registrations/{id}", { params: { path: { id: "telegram" } } });
say("GET /v1/registrations/{id}", { ...registration, right: registration.data?.registration.state === "active" });

const names = await client.GET("/v1/names", { params: { query: { prefix: "@" } } });
say("GET /v1/names", { ...names, right: names.data?.contested === 1 && names.data.names.length > 0 });

const claims = await client.GET("/v1/claims", { params: { query: { prefix: "@irc_" } } });
say("GET /v1/claims", { ...claims, right: claims.data?.total === claims.data?.claims.length });

const history = await client.GET("/v1/history", { params: { query: { limit: 1 } } });
say("GET /v1/history", { ...history, right: history.data?.generations.length === 1 });

const role = await client.GET("/v1/role");
say("GET /v1/role", { ...role, right: role.data?.role === "admin" });

const conflicts = await client.GET("/v1/conflicts", { params: { query: { severity: "error", limit: 1 } } });
say("GET /v1/conflicts", { ...conflicts, right: conflicts.data?.findings.length === 1 });

const changes = await client.GET("/v1/changes", { params: { query: { since: "another", wait: 0 } } });
say("GET /v1/changes", { ...changes, right: changes.data?.reset === true && changes.data?.since === "another" });

const report = await client.POST("/v1/homeservers/{worker}", {
  params: { path: { worker: "main" } },
  body: { mode: "reserve", snapshot: "another", loaded: ["telegram"] },
});
say("POST /v1/homeservers/{worker}", { ...report, right: report.data?.behind === true });

const reserved = await client.GET("/v1/reserved");
say("GET /v1/reserved", { ...reserved, right: reserved.data?.prefixes.includes("irc_") === true });

const newcomer = {
  id: "new",
  url: null,
  as_token: "an-as-token-of-this-try",
  hs_token: "an-hs-token-of-this-try",
  sender_localpart: "new-bot",
  namespaces: { users: [{ regex: "@new_.*:example\\.com", exclusive: true }] },
};

const put = await client.PUT("/v1/registrations/{id}", { params: { path: { id: "new" } }, body: newcomer });
say("PUT /v1/registrations/{id}", { ...put, right: put.error?.errcode === "M_UNRECOGNIZED" });

const removed = await client.DELETE("/v1/registrations/{id}", { params: { path: { id: "new" } } });
say("DELETE /v1/registrations/{id}", { ...removed, right: removed.error?.errcode === "M_UNRECOGNIZED" });

const check = await client.POST("/v1/check", {
  params: { query: { homeserver: "tuwunel" } },
  body: newcomer,
});
say("POST /v1/check", { ...check, right: check.data?.homeservers?.[0]?.accepted === true });

const status = await client.GET("/v1/status");
say("GET /v1/status", { ...status, right: status.data?.server_name === "example.com" });

const healthz = await client.GET("/healthz");
say("GET /healthz", { ...healthz, right: healthz.data?.status === "ok" });

const readyz = await client.GET("/readyz");
say("GET /readyz", { ...readyz, right: readyz.data?.ready === true });

const reload = await client.POST("/-/reload", { body: { allow_empty: false } });
say("POST /-/reload", { ...reload, right: reload.data?.trigger === "request" });

const metrics = await client.GET("/metrics", { parseAs: "text" });
say("GET /metrics", { ...metrics, right: metrics.data?.includes("bailiwick_build_info") ?? false });

const document = await client.GET("/openapi.json");
say("GET /openapi.json", { ...document, right: JSON.stringify(document.data).startsWith('{"openapi":"3.1') });
