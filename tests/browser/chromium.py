"""A headless Chromium with the network shut, and what it saw."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parent / "assets" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """Where a Chromium is, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def axe(page: Page) -> list[str]:
    """What axe finds wrong with a page; one whose policy forbids it must be opened with ``bypass_csp``."""
    page.add_script_tag(path=str(AXE))
    return page.evaluate("axe.run().then(result => result.violations.map(v => v.id + ': ' + v.help))")


@dataclass
class Opened:
    """A page that was opened, with everything it asked for or complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """The text of one element, as a reader gets it."""
        return self.page.locator(selector).inner_text()

    def wait_for_text(self, selector: str, text: str) -> None:
        """Waits until an element says this; a wait written as a script would be refused by the page's own policy."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_text(text, timeout=30_000)


def open_file(
    running: Browser,
    path: Path,
    width: int = 1280,
    height: int = 900,
    wait: bool = True,
    before: str = "",
    **context: object,
) -> Opened:
    """Opens a saved page with the network shut, and waits until its map can be used.

    ``before`` is a script that runs before the page's own, to make the browser poorer than it is.
    """
    page = running.new_context(viewport={"width": width, "height": height}, **context).new_page()
    if before:
        page.add_init_script(before)
    seen = Opened(page)
    target = Path(path).resolve().as_uri()

    def gate(route):
        url = route.request.url
        if url == target or url.startswith(("data:", "blob:")):
            return route.continue_()
        seen.requests.append(url)
        return route.abort()

    page.route("**/*", gate)
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.goto(target, wait_until="commit" if wait else "load")
    if wait:
        page.wait_for_selector("html[data-geoplan]", state="attached", timeout=60_000)
    return seen
