"""Asks every operation with what openapi-python-client has generated in `generated/`, as a user of it would."""

import json
import sys

sys.path.insert(0, ".")

from generated import Client, models
from generated.api.contract import openapi
from generated.api.operation import healthz, metrics, readyz, reload
from generated.api.questions import (
    check,
    may_act,
    may_create_alias,
    may_register,
    may_register_by_query,
    owner,
    owners,
    register_available,
    reserved,
)
from generated.api.state import (
    changes,
    claims,
    conflicts,
    delete_registration,
    history,
    homeserver_report,
    names,
    put_registration,
    registration,
    registrations,
    role,
    status,
)

client = Client(base_url=sys.argv[1])
IRC = "@irc_alice:example.com"


def say(operation: str, response, right) -> None:
    print(json.dumps({"operation": operation, "status": int(response.status_code), "right": bool(right(response.parsed))}))


newcomer = models.CheckJsonBody.from_dict(
    {
        "id": "new",
        "url": None,
        "as_token": "an-as-token-of-this-try",
        "hs_token": "an-hs-token-of-this-try",
        "sender_localpart": "new-bot",
        "namespaces": {"users": [{"regex": r"@new_.*:example\.com", "exclusive": True}]},
    }
)

say(
    "GET /v1/owners",
    owner.sync_detailed(client=client, id=IRC, homeserver="tuwunel"),
    lambda a: a.claims and a.homeservers[0].homeserver == "tuwunel" and a.homeservers[0].claims,
)
say(
    "POST /v1/owners",
    owners.sync_detailed(client=client, body=models.OwnersRequest(ids=[IRC, "no ID"])),
    lambda a: len(a.results) == 2,
)
say(
    "GET /v1/may-register",
    may_register_by_query.sync_detailed(client=client, user_id=IRC, as_id="appservice-irc"),
    lambda a: a.as_id == "appservice-irc",
)
say(
    "POST /v1/may-register",
    may_register.sync_detailed(client=client, body=models.MayRegisterRequest(user_id=IRC, as_id="appservice-irc")),
    lambda a: a.as_id == "appservice-irc" and a.claims,
)
say(
    "POST /v1/may-create-alias",
    may_create_alias.sync_detailed(client=client, body=models.MayCreateAliasRequest(alias="#irc_rust:example.com")),
    lambda a: a.alias == "#irc_rust:example.com",
)
say(
    "POST /v1/may-act",
    may_act.sync_detailed(
        client=client, body=models.MayActRequest(user_id="@telegram_4711:example.com", as_id="telegram")
    ),
    lambda a: a.allowed is True,
)
say(
    "GET /_matrix/client/v3/register/available",
    register_available.sync_detailed(client=client, username="alice"),
    lambda a: a.available is True,
)
say("GET /v1/registrations", registrations.sync_detailed(client=client), lambda a: len(a.registrations) == 8)
say(
    "GET /v1/registrations/{id}",
    registration.sync_detailed("telegram", client=client),
    lambda a: a.registration.state == models.FileState.ACTIVE and a.registration.file.endswith(".yaml"),
)
say(
    "PUT /v1/registrations/{id}",
    put_registration.sync_detailed("new", client=client, body=newcomer),
    lambda a: a.errcode == "M_UNRECOGNIZED",
)
say(
    "DELETE /v1/registrations/{id}",
    delete_registration.sync_detailed("new", client=client),
    lambda a: a.errcode == "M_UNRECOGNIZED",
)
say("GET /v1/names", names.sync_detailed(client=client, prefix="@"), lambda a: a.contested == 1 and a.names)
say("GET /v1/claims", claims.sync_detailed(client=client, prefix="@irc_"), lambda a: a.total == len(a.claims))
say("GET /v1/history", history.sync_detailed(client=client, limit=1), lambda a: len(a.generations) == 1)
say("GET /v1/role", role.sync_detailed(client=client), lambda a: a.role == "admin" and a.token_needed is False)
say(
    "GET /v1/conflicts",
    conflicts.sync_detailed(client=client, severity=models.Severity.ERROR, limit=1),
    lambda a: len(a.findings) == 1,
)
say(
    "GET /v1/changes",
    changes.sync_detailed(client=client, since="another", wait=0),
    lambda a: a.reset is True and a.since == "another",
)
say(
    "POST /v1/homeservers/{worker}",
    homeserver_report.sync_detailed(
        "main",
        client=client,
        body=models.HomeserverReport(mode=models.HomeserverMode.RESERVE, snapshot="another", loaded=["telegram"]),
    ),
    lambda a: a.behind is True,
)
say("GET /v1/reserved", reserved.sync_detailed(client=client), lambda a: "irc_" in a.prefixes)
say(
    "POST /v1/check",
    check.sync_detailed(client=client, body=newcomer, homeserver="tuwunel"),
    lambda a: a.homeservers[0].accepted is True,
)
say("GET /v1/status", status.sync_detailed(client=client), lambda a: a.server_name == "example.com")
say("GET /healthz", healthz.sync_detailed(client=client), lambda a: a.status == "ok")
say("GET /readyz", readyz.sync_detailed(client=client), lambda a: a.ready is True)
say(
    "POST /-/reload",
    reload.sync_detailed(client=client, body=models.ReloadRequest(allow_empty=False)),
    lambda a: a.trigger == models.Trigger.REQUEST,
)
say("GET /metrics", metrics.sync_detailed(client=client), lambda a: "bailiwick_build_info" in a)
say("GET /openapi.json", openapi.sync_detailed(client=client), lambda a: a["openapi"].startswith("3.1"))
