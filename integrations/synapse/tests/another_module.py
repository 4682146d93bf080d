"""A module of somebody else's, for the flows: makes the account that a request names, through Synapse's module API."""

from __future__ import annotations

from inspect import signature
from typing import Any

from synapse.module_api import DirectServeJsonResource, ModuleApi, parse_json_object_from_request
from synapse.module_api.errors import SynapseError


class Resource(DirectServeJsonResource):
    def __init__(self, api: ModuleApi) -> None:
        # Releases since 1.142 want it.
        options: dict[str, Any] = {"clock": api._clock} if "clock" in signature(DirectServeJsonResource).parameters else {}
        super().__init__(**options)
        self.api = api

    async def _async_render_POST(self, request: Any) -> tuple[int, Any]:  # noqa: N802 (Synapse's name)
        localpart = parse_json_object_from_request(request)["localpart"]
        if not isinstance(localpart, str):
            raise SynapseError(400, "localpart must be a string")
        return 200, {"user_id": await self.api.register_user(localpart)}


class AnotherModule:
    def __init__(self, config: object, api: ModuleApi) -> None:
        api.register_web_resource("/_synapse/client/another_module", Resource(api))

    @staticmethod
    def parse_config(config: object) -> object:
        return config
