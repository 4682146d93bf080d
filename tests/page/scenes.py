"""What operators do with the page, and what must come of it. Started by `try.py`."""

import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import sets
from service import PATIENCE, Service

PICTURES = Path(__file__).resolve().parent.parent.parent / "docs/images"
WIDE, NARROW = {"width": 1600, "height": 1000}, {"width": 360, "height": 780}
# Only a hang takes so long, in milliseconds.
TIMEOUT = PATIENCE * 1000
# All that a page of a browser says of itself for the rules that axe-core has; "best-practice" beside the standards.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TOKENS = {role: f"{role}-token-0123456789abcdef" for role in ("register", "read", "admin")}

axe_script = ""
pictures = False


class Standing:
    """Services of which nothing is changed, one for each count of registrations, started when they are asked for first."""

    def __init__(self, binary: Path, home: Path):
        self.binary, self.home, self.services = binary, home, {}

    def of(self, count: int) -> Service:
        if count not in self.services:
            began = time.monotonic()
            directory = sets.write(self.home / f"{count}" / "registrations", count)
            self.services[count] = Service(self.binary, directory)
            print(f"    {count} registrations are served and compared after {time.monotonic() - began:.1f} s", flush=True)
        return self.services[count]

    def end(self) -> None:
        for service in self.services.values():
            with service:
                pass


class Scene:
    """A directory, a service for it, and a browser."""

    def __init__(self, browser: Browser, binary: Path, home: Path, standing: Standing):
        self.browser, self.binary, self.home, self.standing = browser, binary, home, standing

    def serve(self, count: int, *arguments: str, token: str = "") -> Service:
        """A service for this scene alone, which may change its registrations."""
        self.directory = sets.write(self.home / "registrations", count)
        return Service(self.binary, self.directory, *arguments, token=token)

    @contextmanager
    def page(self, service: Service, *, theme: str = "light", size: dict = WIDE, quiet: bool = True, zone: str | None = None):
        """A page that has been opened; whatever is done with it, it says nothing to the console and asks nobody else."""
        context = self.browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", timezone_id=zone)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT)
        said, elsewhere = [], []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda asked: asked.url.startswith(service.base) or elsewhere.append(asked.url))
        page.goto(service.base)
        yield page
        assert not elsewhere, f"asked elsewhere: {elsewhere}"
        assert not (quiet and said), f"said to the console: {said}"
        context.close()


def shown(page: Page) -> None:
    """Waits until all parts show something."""
    page.wait_for_selector("#truth[data-state=whole], #truth[data-state=partial]")
    for part in ("#cells", "#findings", "#listing", "#history"):
        page.wait_for_selector(f"{part} > *")
    page.wait_for_selector("#claims > *")


def until(page: Page, expression: str, *argument: object) -> None:
    """Waits until an expression holds. Playwright's own way would have the page make code of text, which it does not."""
    began = time.monotonic()
    while not page.evaluate(expression, *argument):
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"{expression} does not come to hold")
        page.wait_for_timeout(30)


def ask(page: Page, text: str) -> str:
    page.fill("#ask-input", text)
    page.press("#ask-input", "Enter")
    until(
        page,
        "id => document.querySelector('.verdict, .problem')?.textContent.toLowerCase().includes(id)",
        text.lstrip("@").lower(),
    )
    return page.inner_text("#answer")


def barriers(page: Page) -> None:
    """axe-core finds nothing."""
    page.evaluate(axe_script)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    told = [
        f"{one['id']} ({one['impact']}): {one['help']}\n    " + "\n    ".join(node["html"][:160] for node in one["nodes"][:4])
        for one in found["violations"]
    ]
    assert not told, "axe-core:\n" + "\n".join(told)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"the page is wider than the window by {overflow} pixels"


def picture(page: Page, name: str) -> None:
    if pictures:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def an_id_is_asked_about(scene: Scene) -> None:
    """The entry that decides is shown with its file and line, and who may take the name."""
    with scene.page(scene.standing.of(75)) as page:
        shown(page)
        answer = ask(page, "@whatsapp_4711:example.com")
        assert "Contested" in answer and "whatsapp.yaml:9" in answer, answer
        assert "No person may register it" in answer, answer
        assert "Nobody’s" in ask(page, "Alice") and "A person may register it" in ask(page, "Alice"), "a name as typed"
        assert "@alice:example.com" in page.inner_text("#answer"), "registration makes small letters"
        answer = ask(page, "@Whatsapp_4711:example.com")
        assert "@Whatsapp_4711:example.com" in answer and "Contested" not in answer, f"another ID is answered for: {answer}"
        assert "@whatsapp_4711" not in answer and "No person may register it" in answer, answer
        assert "Held by" in ask(page, "signal_7"), "a localpart"
        page.click("text=What would other homeservers say?")
        page.wait_for_selector(".elsewhere tbody tr")
        said = page.inner_text(".elsewhere tbody")
        assert "synapse (this one)" in said and "tuwunel" in said and "exclusive" in said, said
        barriers(page)
        page.click("button.link >> nth=0")
        until(page, "document.querySelector('.verdict').textContent.includes('Contested')")


def a_file_breaks_while_somebody_looks(scene: Scene) -> None:
    """The line of truth says so by itself, and so when it is mended; the file is shown with its fault."""
    with scene.serve(5) as service, scene.page(service) as page:
        shown(page)
        assert "Complete" in page.inner_text("#truth"), page.inner_text("#truth")
        broken = scene.directory / "telegram.yaml"
        text = broken.read_text()
        broken.write_text("id: [")
        page.wait_for_selector("#truth[data-state=partial]")
        page.wait_for_selector("#faulty details[data-state=stale] .fault")
        assert "Not complete" in page.inner_text("#truth") and "since" in page.inner_text("#truth")
        fault = page.inner_text("#faulty .fault >> nth=0")
        assert fault.startswith("syntax") and "line 1" in fault, fault
        assert page.title().startswith("⚠"), page.title()
        said = page.inner_text("#announcer")
        assert "Not complete" in said, f"a screen reader hears {said!r}"
        barriers(page)
        broken.write_text(text)
        page.wait_for_selector("#truth[data-state=whole]")
        page.wait_for_selector("#faulty details", state="detached")


def a_change_is_shown_where_it_matters(scene: Scene) -> None:
    """A new registration comes into map, answer, files and changes, without a reload."""
    with scene.serve(5) as service, scene.page(service) as page:
        shown(page)
        assert "Nobody’s" in ask(page, "@zulip_1:example.com")
        (scene.directory / "zulip.yaml").write_text(sets.registration("zulip", "zulip_", "zulipbot"))
        until(page, "document.querySelector('#answer').textContent.includes('Held by')")
        page.wait_for_selector("#cells button[data-prefix='@zulip_'], #cells button[data-prefix='@zulip']")
        page.wait_for_selector("#listing details >> text=zulip.yaml")
        until(page, "document.querySelector('#history').textContent.includes('came into force')")
        assert "@zulip_…" in page.inner_text("#history")
        page.wait_for_selector("#findings .behind", state="detached")
        assert not page.is_visible("#findings .problem"), "all of it is compared"
        # Too large for the limits of a comparison (docs/findings/not-compared.md): no collision here is not none.
        (scene.directory / "numbers.yaml").write_text(sets.registration("numbers", "(?:0|1)*1(?:0|1){20}", "numbersbot"))
        page.wait_for_selector("#findings .problem")
        assert "Not everything was compared" in page.inner_text("#findings .problem")
        with scene.page(service, zone="America/New_York") as elsewhere:
            said = elsewhere.evaluate("import('/page/dom.js').then((dom) => dom.when(Date.UTC(2020, 0, 2, 2, 30)).textContent)")
            assert said == "2020-01-01 21:30:00", f"a day of one clock and a time of another: {said}"


def somebody_goes_into_a_prefix(scene: Scene) -> None:
    """By mouse and by keys, in and out again; what is claimed there is listed."""
    with scene.page(scene.standing.of(10_000)) as page:
        shown(page)
        picture(page, "page-10000")
        cells = page.locator("#cells button")
        assert 40 < cells.count() <= 400, f"{cells.count()} cells are no map"
        closed = page.locator("#cells button", has=page.locator(".owner", has_text="▸")).first
        prefix = closed.get_attribute("data-prefix")
        closed.click()
        until(page, "at => document.querySelector('#trail [aria-current]').textContent === at", prefix)
        until(page, "at => document.querySelector('#claims caption').textContent.endsWith(at)", prefix)
        inside = page.eval_on_selector_all("#cells button", "all => all.map(one => one.dataset.prefix)")
        assert inside and all(one.startswith(prefix) for one in inside), inside
        assert page.input_value("#ask-input").startswith(prefix), "a click asks, too"
        # From here on by keys alone.
        focused = "document.activeElement.dataset.prefix"
        first = page.evaluate(focused)
        assert first in inside, first
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
            page.keyboard.press(key)
        assert page.evaluate(focused) in inside
        page.keyboard.press("ArrowRight")
        second = page.evaluate(focused)
        assert second != first, "an arrow goes to another cell"
        page.keyboard.press("Enter")
        until(page, "at => document.querySelector('#claims caption').textContent.endsWith(at)", second)
        if page.inner_text("#trail [aria-current]") == second:
            until(page, "document.activeElement.closest('#cells') !== null")
            page.keyboard.press("Escape")
            until(page, "at => document.querySelector('#trail [aria-current]').textContent === at", prefix)
        page.check("#kind-aliases")
        page.wait_for_selector("#cells button[data-prefix^='#']")


def a_registration_is_pasted(scene: Scene) -> None:
    """One that collides, one that does not load, one that is fine."""
    with scene.page(scene.standing.of(5)) as page:
        shown(page)
        check = lambda text: (page.fill("#check-input", text), page.click("#check-form button"))
        check(sets.registration("newcomer", "telegram_", "newbot"))
        page.wait_for_selector("#checked .finding[data-severity=error]")
        said = page.inner_text("#checked")
        assert "collide" in said and "exclusive-conflict" in said and "@telegram_" in said and "Way out" in said, said
        assert "as-token-of" not in said, "a token is shown"
        barriers(page)
        page.locator("#check").scroll_into_view_if_needed()
        picture(page, "page-check")
        # One prefix within another: the wider entry can leave the narrower one out.
        check(sets.registration("newcomer", "telegram_bots_", "newbot"))
        page.wait_for_selector("#checked .mend")
        assert "telegram_(?!bots_)" in page.inner_text("#checked .mend >> nth=0"), page.inner_text("#checked")
        barriers(page)
        check("id: [")
        page.wait_for_selector("#checked .fault")
        assert "would not load" in page.inner_text("#checked"), page.inner_text("#checked")
        check(sets.registration("newcomer", "entirely_new_", "newbot"))
        page.wait_for_selector("#checked .verdict[data-status=unclaimed]")


def somebody_signs_in(scene: Scene) -> None:
    """With a token of each role; it stays in memory, and one that is not known lets nobody in."""
    tokens = scene.home / "tokens"
    tokens.write_text("".join(f"{role} {token}\n" for role, token in TOKENS.items()))
    with scene.serve(5, "--auth-token-file", str(tokens), token=TOKENS["read"]) as service:
        for role, token in TOKENS.items():
            with scene.page(service) as page:
                page.wait_for_selector("#token")
                barriers(page)
                assert not page.is_visible("#ask"), "nothing is shown to nobody"
                page.fill("#token", "another-token-0123456789")
                page.press("#token", "Enter")
                until(page, "document.querySelector('#signin .problem').textContent !== ''")
                page.fill("#token", token)
                page.press("#token", "Enter")
                page.wait_for_selector("#ask-input")
                assert role in page.inner_text("#role")
                if role == "register":
                    answer = ask(page, "telegram_7")
                    assert "this name is reserved" in answer and "telegram.yaml" not in answer, answer
                    assert not page.is_visible("#map") and not page.is_visible("#truth")
                else:
                    shown(page)
                    assert "telegram.yaml" in ask(page, "@telegram_7:example.com")
                kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
                assert token not in kept and token not in page.content(), "the token is kept"


def the_service_goes_and_comes_back(scene: Scene) -> None:
    """The page says that it hears nothing, and goes on when it does again."""
    service = scene.serve(5)
    with service, scene.page(service, quiet=False) as page:
        shown(page)
        service.process.terminate()
        service.process.wait(PATIENCE)
        page.wait_for_selector("#truth[data-state=none]")
        assert "No answer" in page.inner_text("#truth"), page.inner_text("#truth")
        with Service(scene.binary, scene.directory, listen=service.address):
            page.wait_for_selector("#truth[data-state=whole]")
            page.wait_for_selector("#listing details")


def nobody_is_kept_out(scene: Scene) -> None:
    """Without a barrier in either theme, at either width, with few and with many."""
    for count in (5, 75, 10_000):
        for theme in ("light", "dark"):
            for width, size in (("wide", WIDE), ("narrow", NARROW)):
                with scene.page(scene.standing.of(count), theme=theme, size=size) as page:
                    shown(page)
                    ask(page, "@whatsapp_4711:example.com")
                    barriers(page)
                    if (count, theme, width) in PICTURED:
                        picture(page, f"page-{theme}-{width}")


# What is shown of it in docs/page.md.
PICTURED = ((75, "light", "wide"), (75, "dark", "narrow"))


def it_costs_little(scene: Scene) -> None:
    """Few bytes and few requests until there is something to see, at 10,000 registrations. Times are told and not judged."""
    service = scene.standing.of(10_000)
    context = scene.browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(service.base)
    page.wait_for_selector("#cells button")
    seen = page.evaluate("performance.now()")
    shown(page)
    whole = page.evaluate("performance.now()")
    entries = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(one => ({url: one.name, bytes: one.transferSize}))"
    )
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    elements = page.evaluate("document.querySelectorAll('*').length")
    of_page = [one for one in entries if "/v1/" not in one["url"]]
    of_answers = [one for one in entries if "/v1/" in one["url"]]
    told = {name: (len(ones), sum(one["bytes"] for one in ones)) for name, ones in (("page", of_page), ("answers", of_answers))}
    print(f"    first content {paint:.0f} ms, the map {seen:.0f} ms, all of it {whole:.0f} ms; {elements:,} elements")
    for name, (requests, received) in told.items():
        print(f"    {name}: {requests} requests, {received:,} bytes with their headers")
    assert told["page"][1] < 60_000, told
    assert told["answers"][1] < 600_000, told
    page.reload()
    shown(page)
    again = page.evaluate(
        "performance.getEntriesByType('resource').filter(one => !one.name.includes('/v1/')).reduce((sum, one) => sum + one.transferSize, 0)"
    )
    print(f"    page, when it is looked at again: {again:,} bytes")
    assert again < told["page"][1] / 2, again
    context.close()


SCENES = (
    an_id_is_asked_about,
    a_file_breaks_while_somebody_looks,
    a_change_is_shown_where_it_matters,
    somebody_goes_into_a_prefix,
    a_registration_is_pasted,
    somebody_signs_in,
    the_service_goes_and_comes_back,
    nobody_is_kept_out,
    it_costs_little,
)


def act(scene, browser: Browser, standing: Standing) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        try:
            scene(Scene(browser, standing.binary, Path(home), standing))
        except Exception as error:  # Whatever it is, the other scenes are acted, too.
            print(f"FAILED  {scene.__name__}: {error}", flush=True)
            return False
    print(f"ok  {scene.__name__} ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def main(binary: str, chromium: str, axe: str, *wanted: str) -> int:
    global axe_script, pictures
    axe_script, pictures = Path(axe).read_text(), "--pictures" in wanted
    names = [name for name in wanted if not name.startswith("-")]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        # The sandbox needs what containers and root do not have; what is shown is our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        standing = Standing(Path(binary), Path(home))
        try:
            scenes = [scene for scene in SCENES if not names or scene.__name__ in names]
            acted = [act(scene, browser, standing) for scene in scenes]
        finally:
            standing.end()
        browser.close()
    return 0 if acted and all(acted) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
