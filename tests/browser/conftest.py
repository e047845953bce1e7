"""A Chromium for the browser tests; they are skipped, with the reason, where there is none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from browser import chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def running():
    """One browser for all tests."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed: pip install geoplan[test]")
    if chromium.executable() is None:
        pytest.skip(f"no browser found: install one of {', '.join(chromium.NAMES)}")
    with chromium.browser() as browser:
        yield browser


@pytest.fixture
def show(running, tmp_path):
    """Saves a book (or text), opens it with the network shut, and closes it after the test."""
    opened = []

    def opener(book, **options):
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(book if isinstance(book, str) else book.to_html(), encoding="utf-8")
        opened.append(chromium.open_file(running, path, **options))
        return opened[-1]

    yield opener
    for seen in opened:
        seen.page.context.close()
