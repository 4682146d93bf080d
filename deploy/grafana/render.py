#!/usr/bin/env python3
"""Draws the dashboard from a real Prometheus, without Grafana: its own queries, titles, units, legends and places.

    deploy/grafana/render.py http://127.0.0.1:9090 picture.png [seconds back from now]
    deploy/grafana/render.py --play target/dist/bailiwick docs/images/dashboard.png

The second starts a bailiwick and a Prometheus of its own on free ports of loopback and plays four minutes of a bad day:
numbered lines say when. Needs matplotlib, and for `--play` also `prometheus` on the PATH. Unlike Grafana it leaves out
series that stay at zero where others do not.
"""

import importlib.util
import json
import math
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402
from PIL import Image  # noqa: E402

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("check_dashboard", HERE.parent / "prometheus/check_dashboard.py")
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)

# Inches of a unit of Grafana's grid, which is 24 units wide.
WIDE, HIGH = 0.78, 0.29
COLOURS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#f2495c", "#8ab8ff", "#fade2a", "#96d98d", "#ca95e5"]
plt.rcParams |= {
    "font.size": 8,
    "figure.facecolor": "#111217",
    "axes.facecolor": "#181b1f",
    "axes.edgecolor": "#2c3235",
    "grid.color": "#2c3235",
    "text.color": "#d8d9da",
    "xtick.color": "#9fa7b3",
    "ytick.color": "#9fa7b3",
}


def main() -> int:
    if sys.argv[1] == "--play":
        play(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        end = time.time()
        draw(sys.argv[1], Path(sys.argv[2]), end - float((sys.argv[3:] or ["3600"])[0]), end, [])
    return 0


def play(bailiwick: Path, picture: Path) -> None:
    children: list = []
    with tempfile.TemporaryDirectory(prefix="bailiwick-render-") as temporary:
        work = Path(temporary)
        try:
            service, web = shared.free_ports(2)
            registrations = work / "registrations"
            command = [bailiwick, "serve", registrations, "--server-name", "example.com", "--state-dir", work / "state"]
            shared.start([*command, "--listen", f"127.0.0.1:{service}"], work, children)
            shared.until_ready(f"http://127.0.0.1:{service}/healthz", children)
            config = shared.configuration(work, service)
            storage = [f"--storage.tsdb.path={work / 'data'}", f"--web.listen-address=127.0.0.1:{web}"]
            shared.start(["prometheus", f"--config.file={config}", *storage], work, children)
            shared.until_ready(f"http://127.0.0.1:{web}/-/ready", children)
            done = threading.Event()
            asking = threading.Thread(target=ask, args=(f"http://127.0.0.1:{service}", done))
            asking.start()
            try:
                began = time.time()
                events = bad_day(registrations, began)
            finally:
                done.set()
                asking.join()
            draw(f"http://127.0.0.1:{web}", picture, began, time.time(), events)
        finally:
            shared.stop(children)


def bad_day(registrations: Path, began: float) -> list[tuple[float, str]]:
    """What happens to the files, by the second."""
    rival = "heisenbridge.yaml"
    files = {path.name: path.read_text() for path in shared.EXAMPLES.glob("*.yaml")}
    slow = (
        "id: slow\nurl: null\nas_token: as-token-of-the-slow-one\nhs_token: hs-token-of-the-slow-one\n"
        "sender_localpart: slowbot\nnamespaces:\n  users:\n"
        "    - {exclusive: true, regex: '@slow_((a|aa)+)+\\1b:example\\.com'}\n"
    )

    def mount():
        fresh = registrations.with_name("fresh")
        fresh.mkdir()
        for name in files.keys() - {rival}:
            (fresh / name).write_text(files[name])
            (fresh / name).chmod(0o640)
        fresh.rename(registrations)

    def put(name: str, text: str | None):
        path = registrations / name
        if text is None:
            path.unlink()
        else:
            path.touch(0o640)
            path.write_text(text)

    # Not when the poll looks anyway, every 30 seconds.
    steps = [
        (20, "the directory is mounted", mount),
        (64, "a bridge is added that claims another's users", lambda: put(rival, files[rival])),
        (95, "a file breaks: stale", lambda: put("hookshot.yaml", "id: [")),
        (127, "it is mended", lambda: put("hookshot.yaml", files["hookshot.yaml"])),
        (147, "a regex that needs too many steps is added", lambda: put("slow.yaml", slow)),
        (172, "it is removed", lambda: put("slow.yaml", None)),
        (183, "a new file is broken: quarantined", lambda: put("new.yaml", "id: new\nnamespaces: {users: yes}\n")),
        (207, "it is removed", lambda: put("new.yaml", None)),
        (218, "the other bridge is removed again", lambda: put(rival, None)),
    ]
    events = []
    for second, what, happen in [*steps, (240, "", lambda: None)]:
        time.sleep(max(0.0, began + second - time.time()))
        happen()
        if what:
            events.append((time.time(), what))
            print(f"{second:4} s  {what}", flush=True)
    return events


def ask(service: str, done: threading.Event) -> None:
    """Questions as they come: bursts and lulls."""
    chance, count = random.Random(1), 0
    people = ["alice", "irc_alice", "telegram_4711", "Bob", "_x", "4711", "whatsapp_1"]
    while not done.is_set():
        count += 1
        known = ["@irc_alice:example.com", "#irc_rust:example.com", "@bob:example.com"]
        ids = [chance.choice(known) for _ in range(chance.choice([1, 1, 20]))]
        if count % 40 == 0:
            ids.append("@slow_" + "a" * 60 + ":example.com")
        who = chance.choice(["telegram", "whatsapp"])
        questions = [
            ("/v1/owners", {"ids": ids}),
            ("/v1/may-register", {"localpart": chance.choice(people)}),
            ("/v1/may-register", {"user_id": "@telegram_1:example.com", "as_id": who}),
            ("/v1/may-create-alias", {"alias": "#irc_rust:example.com", "user_id": "@alice:example.com"}),
            ("/v1/status", None),
            ("/v1/owners", {"ids": "wrong"}),
        ]
        path, body = chance.choices(questions, [8, 8, 3, 2, 1, 0.5])[0]
        try:
            shared.fetch(service + path, body)
        except shared.Failed:
            pass
        busy = 1.2 + math.sin(time.time() / 17) + 0.3 * chance.random()
        done.wait(0.012 / max(0.15, busy / 2))


def draw(prometheus: str, picture: Path, start: float, end: float, events: list[tuple[float, str]]) -> None:
    dashboard = json.loads(shared.DASHBOARD.read_text())
    step = max(1, round((end - start) / 300))
    variables = shared.VARIABLES
    shared.VARIABLES = variables | {"$__rate_interval": f"{max(10, 4 * step)}s"}
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    rows = math.ceil(len(events) / 3)
    head = 2.5 + rows * 0.8  # units for the title and what the numbers mean
    width, height = 24 * WIDE, (bottom + head) * HIGH
    figure = plt.figure(figsize=(width, height), dpi=90)

    def place(x, y, w, h):  # from units, counted from the top, to shares, counted from the bottom
        return [x / 24, 1 - (y + h) / (bottom + head), w / 24, h / (bottom + head)]

    figure.text(0.008, 1 - 1.3 / (bottom + head), dashboard["title"], size=15, weight="bold")
    figure.text(0.075, 1 - 1.25 / (bottom + head), dashboard["description"], size=9, color="#9fa7b3")
    for index, (when, what) in enumerate(events):
        y = 1 - (2.4 + index % rows * 0.8) / (bottom + head)
        figure.text(0.008 + index // rows / 3, y, f"{index + 1}   {when - start:.0f} s   {what}", size=9)

    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if panel["type"] == "row":
            x, y, w, h = place(0, at["y"] + head, 24, 1)
            figure.text(x + 0.008, y + h * 0.2, f"▾ {panel['title']}", size=10, weight="bold")
            continue
        x, y, w, h = place(at["x"], at["y"] + head, at["w"], at["h"])
        axes = figure.add_axes([x + 0.030, y + h * 0.26, w - 0.036, h * 0.60])
        axes.set_title(panel["title"], loc="left", size=8.5, weight="bold", x=-0.025 / (w - 0.036))
        (stat if panel["type"] == "stat" else lines)(axes, panel, prometheus, start, end, step, events)
    shared.VARIABLES = variables
    figure.savefig(picture)
    # A palette takes a third of the space, and nobody sees the difference.
    Image.open(picture).convert("RGB").quantize(200, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture}: {picture.stat().st_size} bytes")


def lines(axes, panel, prometheus, start, end, step, events) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    series = []
    for target in panel["targets"]:
        question = {"query": shared.filled(target["expr"]), "start": start, "end": end, "step": step}
        answer = shared.get_json(f"{prometheus}/api/v1/query_range?{urllib.parse.urlencode(question)}")
        for result in answer["data"]["result"]:
            label = re.sub(r"{{(\w+)}}", lambda found: result["metric"].get(found[1], ""), target["legendFormat"])
            if re.fullmatch(r"[0-9a-f]{32}", label):
                label = label[:8] + "…"
            series.append((label, {round((when - start) / step): float(value) for when, value in result["values"]}))
    moving = [each for each in series if any(value > 0 for value in each[1].values())]
    series = sorted(moving or series[:1])
    instants = range(int((end - start) / step) + 1)
    curves = [[values.get(at, math.nan) for at in instants] for _, values in series]
    xs = [at * step for at in instants]
    if defaults["custom"]["stacking"]["mode"] == "normal" and curves:
        whole = [[0 if math.isnan(value) else value for value in curve] for curve in curves]
        axes.stackplot(xs, whole, labels=[label for label, _ in series], colors=COLOURS, alpha=0.75, linewidth=0)
    else:
        for index, ((label, _), curve) in enumerate(zip(series, curves)):
            axes.plot(xs, curve, label=label, color=COLOURS[index % len(COLOURS)], linewidth=1.3)
    for number, (when, _) in enumerate(events, 1):
        axes.axvline(when - start, color="#6e7580", linewidth=0.6, linestyle=":")
        place = {"transform": axes.get_xaxis_transform(), "size": 6.5, "color": "#9fa7b3"}
        axes.text(when - start + (end - start) * 0.004, 0.92, str(number), **place)
    unit = defaults["unit"]
    axes.set_xlim(0, end - start)
    top = max((value for curve in curves for value in curve if not math.isnan(value)), default=0)
    if defaults["custom"]["stacking"]["mode"] == "normal" and curves:
        top = max(map(sum, zip(*whole)))
    axes.set_ylim(0, 1.2 * top or 1)  # with room for the numbers
    # Of bytes, what is round is a multiple of a power of two.
    round_ = (1 << 20 if top > 1 << 21 else 1 << 10) if unit == "bytes" else 1
    ticks = MaxNLocator(4, integer=defaults.get("decimals") == 0).tick_values(0, 1.2 * top / round_)
    axes.set_yticks([tick * round_ for tick in ticks if tick * round_ <= (1.2 * top or 1)])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} s"))
    axes.grid(True, linewidth=0.5)
    axes.tick_params(length=0, labelsize=7)
    if series:
        widest = max(len(label) for label, _ in series)
        columns = max(1, min(5, panel["gridPos"]["w"] * 8 // (widest + 6)))
        place = {"loc": "upper left", "bbox_to_anchor": (-0.04, -0.11), "ncol": columns}
        axes.legend(**place, fontsize=7, frameon=False, handlelength=1, columnspacing=1, labelspacing=0.2)


def stat(axes, panel, prometheus, _start, end, _step, _events) -> None:
    question = {"query": shared.filled(panel["targets"][0]["expr"]), "time": end}
    answer = shared.get_json(f"{prometheus}/api/v1/query?{urllib.parse.urlencode(question)}")
    texts = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    axes.set_xticks([])
    axes.set_yticks([])
    for result in answer["data"]["result"]:
        text = texts[result["value"][1]]
        axes.text(0.5, 0.65, result["metric"]["instance"], transform=axes.transAxes, ha="center", size=9)
        colour = {"green": COLOURS[0], "red": COLOURS[5]}.get(text["color"], text["color"])
        place = {"transform": axes.transAxes, "ha": "center", "weight": "bold"}
        axes.text(0.5, 0.25, text["text"], **place, size=24, color=colour)


def shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        for factor, name in [(1, "s"), (1e-3, "ms"), (1e-6, "µs")]:
            if value >= factor or name == "µs":
                return f"{value / factor:.3g} {name}" if value else "0"
    if unit == "bytes":
        for factor, name in [(1 << 20, "MiB"), (1 << 10, "KiB")]:
            if value >= factor:
                return f"{value / factor:.3g} {name}"
        return f"{value:.3g} B"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" + {"reqps": " req/s", "ops": " /s"}.get(unit, "")


if __name__ == "__main__":
    sys.exit(main())
