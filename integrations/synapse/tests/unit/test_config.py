"""Each mistake in homeserver.yaml is said in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support import TestCase
from synapse.module_api.errors import ConfigError

import synapse_bailiwick as module

SOCKET = {"socket": "/run/bailiwick.sock"}
LOAD = {**SOCKET, "mode": "load", "directories": ["/registrations"]}

MISTAKES: list[tuple[Any, str]] = [
    (None, "must be a mapping"),
    ({}, "either `socket` or `url`"),
    ({**SOCKET, "url": "http://127.0.0.1:8790"}, "either `socket` or `url`"),
    ({"socket": "bailiwick.sock"}, "an absolute path"),
    ({"socket": ""}, "not empty"),
    ({"url": "127.0.0.1:8790"}, "http://HOST:PORT"),
    ({"url": "http://user:word@127.0.0.1"}, "without user"),
    ({"url": "http://127.0.0.1/?a"}, "without user and query"),
    ({"url": "http://127.0.0.1:one"}, "its port is not a number"),
    ({**SOCKET, "token": "secret"}, "unknown option: token"),
    ({**SOCKET, "mode": "watch"}, "`mode` must be reserve, load or guard"),
    ({**SOCKET, "token_file": 1}, "`token_file` must be a string"),
    ({**SOCKET, "directories": ["/registrations"]}, "`directories` is for the mode load"),
    ({**SOCKET, "mode": "load"}, "needs `directories`"),
    ({**LOAD, "directories": "/registrations"}, "must list paths"),
    ({**LOAD, "directories": [1]}, "needs `directories`"),
    ({**LOAD, "directories": ["registrations"]}, "registrations must be an absolute path"),
    ({**LOAD, "trusted_owners": ["root"]}, "numeric user ids"),
    ({**SOCKET, "mode": "guard", "state_directory": "/var/lib/x"}, "`state_directory` is for the modes"),
]


class Configs(TestCase):
    def test_mistakes(self) -> None:
        for config, words in MISTAKES:
            error = self.assertRaises(ConfigError, module.Bailiwick.parse_config, config)
            self.assertIn(words, error.msg)
            self.assertNotIn("\n", error.msg)

    def test_the_default_is_to_reserve(self) -> None:
        self.assertEqual(module.Bailiwick.parse_config(SOCKET).mode, "reserve")

    def test_paths_may_be_other_ones_where_bailiwick_runs(self) -> None:
        config = module.Bailiwick.parse_config({**LOAD, "directories": {"/etc/matrix": "/data"}})
        self.assertEqual(config.directories, {"/etc/matrix": Path("/data")})
