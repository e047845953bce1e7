"""Looking inside a saved page without a browser."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from geoplan.maps.shapes import unpacked


class Reader(HTMLParser):
    """Gathers the scripts, their kinds, and every attribute of a page."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: dict | None = None
        self._hidden = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._hidden = tag in ("script", "style")
        if tag == "script":
            self._open = dict(attrs)
            self.scripts.append((self._open, ""))

    def handle_endtag(self, tag):
        self._open, self._hidden = None, False

    def handle_data(self, data):
        if self._open is not None:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif not self._hidden:
            self.texts.append(data)


def data_blocks(text: str) -> dict[str, object]:
    """The data blocks of a page by id, unpacked."""
    return {
        kind["id"]: unpacked(kind["data-packing"], body)
        for kind, body in Reader(text).scripts
        if "data-packing" in kind
    }


def everything(text: str) -> str:
    """All that a page says, in any encoding: the page, its entities resolved, its blocks unpacked."""
    return "\n".join([text, html.unescape(text), *(repr(block) for block in data_blocks(text).values())])


def policy_of(text: str) -> dict[str, str]:
    """The Content-Security-Policy of a page."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return dict(part.strip().split(" ", 1) for part in html.unescape(found[1]).split(";"))
