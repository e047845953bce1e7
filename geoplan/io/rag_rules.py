"""Readers for red, amber and green: the rules that a council signs, numbers about schools, and earlier runs."""

from __future__ import annotations

import json
import os
import tomllib

from geoplan.io.files import file_name, read_bytes, refuse
from geoplan.rag_changes import check_record
from geoplan.rag_grammar import rules_from
from geoplan.rag_rules import RagRules

MOST_BYTES = 50_000_000


def read_rules(path: str | os.PathLike) -> RagRules:
    """Read rules from a TOML file, refused with every problem found if any has two readings.

    Raises
    ------
    InputRefused

    Examples
    --------
    >>> from geoplan.io.recipes import demo_folder
    >>> read_rules(demo_folder() / "rag_rules.toml").standing[:13]
    'Example rules'
    """
    name = file_name(path)
    try:
        values = tomllib.loads(read_bytes(path, MOST_BYTES).data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise refuse(name, "rule_unreadable", "not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise refuse(name, "rule_unreadable", f"not TOML: {error}") from None
    return rules_from(values, name)


def read_run(path: str | os.PathLike) -> dict:
    """Read an earlier run, as ``geoplan rag run -o run.json`` writes it."""
    name = file_name(path)
    try:
        value = json.loads(read_bytes(path, MOST_BYTES).data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise refuse(name, "record_unknown", "not JSON") from None
    return check_record(value, name)
