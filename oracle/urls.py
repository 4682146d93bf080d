"""Which `url` of a registration Synapse's HTTP client can push to: observed by letting it push to a listening socket.

    python3.11 -m venv /tmp/synapse && /tmp/synapse/bin/pip install matrix-synapse==1.163.0
    /tmp/synapse/bin/python oracle/urls.py

It writes tests/data/registration/urls.jsonl, which tests/it/registration.rs replays: a line is a JSON object of `url`;
`reaches`, whether the request came to the path that the service expects (a name that is not resolved, a refused
connection and TLS errors count as reached: the client took the address); and `why`, what the client said otherwise.
"""

import json
import logging
import urllib.parse
from pathlib import Path
from unittest.mock import MagicMock

from twisted.internet import defer, reactor
from twisted.internet.error import ConnectError, DNSLookupError, TimeoutError
from twisted.internet.task import react
from twisted.web import resource, server
from twisted.web.client import BrowserLikePolicyForHTTPS

from synapse.http.client import SimpleHttpClient
from synapse.util.clock import Clock

logging.disable(logging.CRITICAL)

RECORDED = Path(__file__).parent.parent / "tests/data/registration/urls.jsonl"
PORT = 29317
TRANSACTION = "/_matrix/app/v1/transactions/1"

AT = f"127.0.0.1:{PORT}"
URLS = [
    f"http://{AT}", f"http://{AT}/", f"http://{AT}//", f"http://{AT}/a/b", f"http://localhost:{PORT}", f"HTTP://{AT}",
    f"Http://LOCALHOST:{PORT}", f"http:{AT}", f"http:/{AT}", f"http:///{AT}", f"//{AT}", AT, f"localhost:{PORT}",
    "localhost", "null", "none", "None", "", "/", "http://", "https://", "http:", "http:/", f"http://:{PORT}",
    f"http:// {AT}", f" http://{AT}", f"\u00a0http://{AT}", f"\u200bhttp://{AT}", f"http://{AT}/ ", f"http://{AT}/a b",
    f"http://127.0.0.1 :{PORT}", "http://127.0.0.1:port", "http://127.0.0.1:", f"http://{AT}:{PORT}",
    "unix:/run/x.sock", "unix:///run/x.sock", "http+unix://%2Frun%2Fx.sock", "htp://localhost", f"ws://{AT}", "websocket",
    "ftp://127.0.0.1", f"tcp://{AT}", f"http//{AT}", f"https//{AT}", f"http:://{AT}", f"http://user:pw@{AT}",
    f"http://user@{AT}", f"http://{AT}?x=1", f"http://{AT}/?x=1", f"http://{AT}/a?b#c", f"http://{AT}#f", f"http://{AT}/#",
    f"http://{AT}/?", f"http://[::1]:{PORT}", "http://[::1]", f"http://::1:{PORT}", f"http://[::ffff:127.0.0.1]:{PORT}",
    "http://[::1", f"http://[::1]x:{PORT}", f"http://loc_alhost:{PORT}", "http://a_b", "http://A_B",
    f"http://{{{{ host }}}}:{PORT}", f"http://$HOST:{PORT}", f"http://<bridge>:{PORT}", f"http://{AT},http://b",
    f"http:\\\\{AT}", f'"http://{AT}"', f"'http://{AT}'", f"<http://{AT}>", "http://a-:80", "http://-a:80", "http://ab--c",
    "http://" + "a" * 64, "http://" + "a" * 63, "http://a~b", "http://a!b", "http://a*b", "http://a,b", "http://a;b",
    "http://a=b", "http://a&b", "http://a'b", "http://a(b)", "http://a%20b", "http://a%b", "http://a|b", "http://a^b",
    "http://a\\b", "http://.", "http://a..b", "http://.a", "http://a.", "http://ä.example", "http://日本", "http://1.2.3.4.5",
    f"http://127.1:{PORT}", f"http://2130706433:{PORT}", f"http://{AT}/%zz", f"http://{AT}/ä", "h ttp://x", "http ://x",
    "1http://x", "h-t+t.p://x", "false", "~", "n/a", "matrix-bridge", "matrix-bridge:80", "/run/bridge.sock",
    "http://bridge.svc.cluster.local:8080/path", "https://bridge.example.com", "https://bridge.example.com/_bridge",
    "http://host.docker.internal:9993", "http://xn--bcher-kva.example",
]


class Listener(resource.Resource):
    isLeaf = True

    def __init__(self):
        super().__init__()
        self.paths = []

    def render(self, request):
        self.paths.append(request.uri.decode("latin-1"))
        request.setHeader("content-type", "application/json")
        return b"{}"


def client():
    homeserver = MagicMock()
    homeserver.get_reactor.return_value = reactor
    homeserver.get_clock.return_value = Clock(reactor, server_name="example.com")
    homeserver.hostname = "example.com"
    homeserver.version_string = "oracle"
    homeserver.config.server.user_agent_suffix = None
    homeserver.config.server.proxy_config = None
    homeserver.config.caches.global_factor = 1.0
    homeserver.get_http_client_context_factory.return_value = BrowserLikePolicyForHTTPS()
    return SimpleHttpClient(homeserver)


def expected(url):
    """The path that the service is told to expect: that of its URL, and the transaction's."""
    return urllib.parse.urlsplit(url.rstrip("/")).path + TRANSACTION


async def observed(pusher, listener, url):
    listener.paths.clear()
    push = defer.ensureDeferred(pusher.put_json(url.rstrip("/") + TRANSACTION, {}))
    push.addTimeout(4, reactor)
    try:
        await push
    except (ConnectError, DNSLookupError, TimeoutError):
        return {"reaches": True}
    except Exception as error:
        return {"reaches": False, "why": f"{type(error).__name__}: {error}"[:120]}
    asked = urllib.parse.unquote(listener.paths[0])
    if asked == urllib.parse.unquote(expected(url)) and not any(c.isspace() for c in asked):
        return {"reaches": True}
    return {"reaches": False, "why": f"asks for {listener.paths[0]}"}


async def main(_reactor):
    listener = Listener()
    for port in (PORT, 80):
        reactor.listenTCP(port, server.Site(listener), interface="127.0.0.1")
    pusher = client()
    with RECORDED.open("w") as file:
        for url in URLS:
            file.write(json.dumps({"url": url, **await observed(pusher, listener, url)}) + "\n")
    print(f"{RECORDED}: {len(URLS)} addresses")


if __name__ == "__main__":
    react(lambda reactor: defer.ensureDeferred(main(reactor)))
