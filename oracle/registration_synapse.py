"""What the real Synapse makes of a registration file, for the recorded cases and the differential run."""

import io
import logging
import os
import sys
import tempfile

logging.disable(logging.CRITICAL)

import yaml
from synapse.appservice import ApplicationService
from synapse.config.appservice import load_appservices

SERVER = "example.com"


def escaped(text):
    """A string with its lone surrogates as \\udXXX, the form in which bailiwick shows them."""
    if text is None:
        return None
    return "".join("\\u%04x" % ord(c) if 0xD800 <= ord(c) < 0xE000 else c for c in text)


def verdict(data: bytes) -> dict:
    """Loads one file's bytes as Synapse does at its start."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(data)
        file.flush()
        try:
            (service,) = load_appservices(SERVER, [file.name])
        except Exception as error:
            return {"loads": False, "error": type(error).__name__, "mark": mark(error)}
    return {"loads": True, "effective": effective(service)}


def mark(error):
    """Line and column, from 1, where PyYAML noticed a problem."""
    found = getattr(error, "problem_mark", None)
    return None if found is None else [found.line + 1, found.column + 1]


def effective(service: ApplicationService) -> dict:
    def entries(kind):
        return [[escaped(ns.regex.pattern), ns.exclusive] for ns in service.namespaces[kind]]

    return {
        "id": escaped(service.id),
        "sender": escaped(service.sender.localpart),
        "url": escaped(service.url),
        "users": entries("users"),
        "aliases": entries("aliases"),
        "rooms": entries("rooms"),
        "protocols": sorted(escaped(p) for p in service.protocols),
        "rate_limited": service.rate_limited,
        "proxy_prefix": escaped(service.proxy_prefix),
    }
