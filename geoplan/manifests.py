"""What a release folder says of itself: inputs, settings, checks and outputs, as values that balance and seal.

Nothing here opens a file. A :class:`Manifest` is made by :mod:`geoplan.io.releases`; ``document`` turns it into
plain values, ``to_bytes`` into the bytes of ``manifest.json``, and :func:`check_document` reads those back and
says what does not add up.

Two copies exist. The **shareable** one lies in the folder of a ``public`` or ``school:`` release. In it

- a count under 5, nought included, is ``"<5"``; others are rounded to 5; pupils are ``"<10"`` under 10;
- records accepted are ``"the rest"``: printed, they would give the hidden counts back by subtraction;
- only reasons of five records or more are listed, and the other outcomes are sums of what is listed;
- the size and fingerprint of a file about people are withheld: whoever knows all records but one could try
  the values of that one until the fingerprint fits.

The **own** copy has all of it exactly; it is what an ``internal`` release holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from geoplan.reasons import REASONS

SCHEMA = "geoplan.manifest/1"
FILE = "manifest.json"
PUBLIC, INTERNAL = "public", "internal"
SENSITIVE = "OFFICIAL-SENSITIVE"
LEAST = 5  # possible values that every protected count must keep
MASK = "***"
WITHHELD = "withheld"

#: What may differ between two runs on the same inputs; every other byte of a release is the same.
VOLATILE = ("written", "chain", "ledger", "gate.seconds", "leaks.seconds")

_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "clock$", *(f"{port}{i}" for port in ("com", "lpt") for i in "0123456789¹²³")]
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[A-Za-z0-9]{1,10})?")
_SECRET = re.compile(r"passw|pwd|token|secret|key|credential", re.IGNORECASE)
_SECRET_PAIR = re.compile(
    r"([\w.-]*(?:passw|pwd|token|secret|key|credential)[\w.-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&;,\"']+)",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(?<=://).*@", re.DOTALL)
_SAYS = (
    "Counts of records are rounded to the nearest 5; <5 is nought to four, and so is every reason not listed. "
    "Counts of pupils are rounded to the nearest 5; <10 is nought to nine. Records are accepted, repaired, rejected "
    "or blank; accepted is the rest. Sizes and fingerprints of files about people are in the authority's own copy."
)


# --- names -----------------------------------------------------------------------------------------------


def safe_name(text: str) -> str:
    """A file name (without ending) for any text: a slug to read and a hash that keeps it apart from all others.

    Small letters, digits and hyphens only, so two names never differ by case alone, none is reserved on Windows,
    and none leads out of its folder.

    Examples
    --------
    >>> safe_name("St Mary's C.E. Primary")
    'st-mary-s-c-e-primary-6890be220a'
    >>> safe_name("CON"), safe_name("../../etc/passwd")
    ('con-a3dbc4b644', 'etc-passwd-3754d6cb3a')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-") or "name"
    return f"{slug}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def output_name(name: str, ending: str) -> str:
    """The name of an output: as given where every system can hold it, :func:`safe_name` otherwise.

    Examples
    --------
    >>> output_name("map.html", ".html"), output_name("profiles", ".csv")
    ('map.html', 'profiles.csv')
    >>> output_name("nul", ".csv")
    'nul-99e6242759.csv'
    """
    stem = name[: -len(ending)] if name.lower().endswith(ending) else name
    return (stem if is_plain_name(stem) and "." not in stem else safe_name(stem)) + ending


def is_plain_name(name: object) -> bool:
    """Whether a name is a plain file name on every system: no folder, not hidden, not reserved.

    Examples
    --------
    >>> is_plain_name("map.html"), is_plain_name("../map.html"), is_plain_name("COM1.txt")
    (True, False, False)
    """
    return isinstance(name, str) and bool(_PLAIN.fullmatch(name)) and name.partition(".")[0].lower() not in _RESERVED


def audience_of(text: str) -> str:
    """``public``, ``internal`` or ``school:URN``, or a ``ValueError`` that says so.

    Examples
    --------
    >>> audience_of("school:900003")
    'school:900003'
    """
    if text in {PUBLIC, INTERNAL} or (isinstance(text, str) and re.fullmatch(r"school:[A-Za-z0-9]{1,20}", text)):
        return text
    raise ValueError(f"audience {text!r}: use public, school:URN or internal")


# --- secrets ---------------------------------------------------------------------------------------------


def mask(value: object, key: str = "") -> Any:
    """Settings as plain values in the order of their keys, secrets masked and folders left out.

    Examples
    --------
    >>> mask({"rows": 3, "db": {"password": "x", "url": "postgresql://jo:pw@host/db"}})
    {'db': {'password': '***', 'url': 'postgresql://***@host/db'}, 'rows': 3}
    """
    if key and _SECRET.search(key):
        return MASK if value not in (None, "") else value
    if isinstance(value, Mapping):
        return {str(name): mask(each, str(name)) for name, each in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, (list, tuple)):
        return [mask(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((mask(each) for each in value), key=str)
    if isinstance(value, os.PathLike):
        return PurePath(value).name
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value):,} bytes"
    return mask_text(str(value))


def mask_text(text: str) -> str:
    """Text without credentials in URLs, values of secret settings, or the folders of whole paths.

    Examples
    --------
    >>> mask_text("host=db password='two words' user=jo"), mask_text("https://h/x?token=abc&a=1")
    ('host=db password=*** user=jo', 'https://h/x?token=***&a=1')
    >>> mask_text("/home/jo/pupils.csv"), mask_text("lsoa21/ward25")
    ('pupils.csv', 'lsoa21/ward25')
    """
    shown = _SECRET_PAIR.sub(rf"\g<1>{MASK}", _CREDENTIALS.sub(f"{MASK}@", text))
    if "://" not in shown and re.match(r"(~|[A-Za-z]:[\\/]|[\\/])", shown):
        shown = re.split(r"[\\/]", shown.rstrip("\\/"))[-1]
    return shown


def mask_command(command: str | Sequence[str]) -> str:
    """A command as typed, secrets masked and folders left out.

    Examples
    --------
    >>> mask_command(["geoplan", "map", "--token", "abc", "--out=/home/jo/map.html"])
    'geoplan map --token *** --out=map.html'
    """
    if isinstance(command, str):
        try:
            words = shlex.split(command)
        except ValueError:
            return mask_text(command)
    else:
        words = [str(word) for word in command]
    shown, secret = [], False
    for word in words:
        name, equals, value = word.partition("=")
        if secret and not word.startswith("-"):
            shown.append(MASK)
        elif word.startswith("-") and equals:
            shown.append(f"{name}={mask(value, name)}")
        else:
            shown.append(mask_text(word))
        secret = word.startswith("-") and not equals and bool(_SECRET.search(word))
    return " ".join(word if word == MASK or re.fullmatch(r"[\w./:=,@%+*-]+", word) else shlex.quote(word)
                    for word in shown)  # fmt: skip


# --- counts that may be shared -----------------------------------------------------------------------------


def shared_count(count: int, below: int = LEAST) -> int | str:
    """A count as the shareable copy gives it.

    Examples
    --------
    >>> [shared_count(n) for n in (0, 4, 5, 7, 8, 1203)]
    ['<5', '<5', 5, 5, 10, 1205]
    """
    return f"<{below}" if count < below else 5 * ((count + 2) // 5)


def shared_reasons(records: int, reasons: Mapping[str, int]) -> dict[str, int]:
    """Reasons of five records or more, rounded; none where they would fill the file and so bound the others.

    Whoever knows the number of records still finds nought to four possible for each reason not listed: what is
    decided here is decided from that number and from what is printed, and the accepted records, which are not
    printed, take up any difference.

    Examples
    --------
    >>> shared_reasons(1000, {"postcode_blank": 12, "duplicate_record": 3})
    {'postcode_blank': 10}
    >>> shared_reasons(20, {"postcode_blank": 18, "duplicate_record": 2})
    {}
    """
    shown = {code: shared_count(count) for code, count in sorted(reasons.items()) if count >= LEAST}
    least = sum(max(LEAST, count - 2) for count in shown.values())
    return shown if records - least >= LEAST - 1 else {}


# --- the parts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """One file that a release was made from.

    Parameters
    ----------
    role
        What it was used as: ``pupils``, ``postcodes``, ``schools``, ``lsoa21`` ...
    name
        The file's name, never its folder.
    size, sha256
        Bytes, and their fingerprint, as they were when read.
    encoding, vintage
        As found.
    records, accepted, repaired, rejected, blank
        Records read and what became of them; the four must add up. All None where the file has no records.
    reasons
        Records by reason code.
    personal
        Whether it is about people; their fingerprint is withheld from shareable copies.
    crs_found, crs_used
        Coordinate system, for a layer.
    path
        Where the file lies, to see before writing that it is still the same; never written anywhere.
    unchanged
        True when its fingerprint was the same before writing; None where no path was given.

    Examples
    --------
    >>> Input("pupils", "pupils.csv", records=10, accepted=8, rejected=1, reasons={"postcode_not_found": 1})
    Traceback (most recent call last):
    ...
    ValueError: pupils.csv: 8 accepted + 0 repaired + 1 rejected + 0 blank are not 10 records
    """

    role: str
    name: str
    size: int | None = None
    sha256: str = ""
    encoding: str = ""
    vintage: str = ""
    records: int | None = None
    accepted: int = 0
    repaired: int = 0
    rejected: int = 0
    blank: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    personal: bool = True
    crs_found: str = ""
    crs_used: str = ""
    path: str | os.PathLike | None = field(default=None, repr=False, compare=False)
    unchanged: bool | None = None

    def __post_init__(self) -> None:
        parts = (self.accepted, self.repaired, self.rejected, self.blank)
        if self.records is None and any(parts):
            raise ValueError(f"{self.name}: outcomes of records, but no number of records")
        if min(parts) < 0 or (self.records is not None and sum(parts) != self.records):
            said = " + ".join(f"{n} {what}" for n, what in zip(parts, _OUTCOMES, strict=True))
            raise ValueError(f"{self.name}: {said} are not {self.records} records")

    def document(self, shareable: bool) -> dict[str, Any]:
        """Plain values, for the shareable or the own copy."""
        hide = shareable and self.personal
        return {
            "role": self.role,
            "name": self.name,
            "personal": self.personal,
            "bytes": WITHHELD if hide else self.size,
            "sha256": WITHHELD if hide else self.sha256,
            "unchanged": self.unchanged,
            "encoding": self.encoding,
            "vintage": self.vintage,
            "crs": {"found": self.crs_found, "used": self.crs_used},
            "accounts": None if self.records is None else self._accounts(shareable and self.personal),
        }

    def _accounts(self, shareable: bool) -> dict[str, Any]:
        if not shareable:
            outcomes = {name: getattr(self, name) for name in _OUTCOMES}
            return {"records": self.records, **outcomes, "reasons": dict(sorted(self.reasons.items()))}
        shown = shared_reasons(self.records, self.reasons)
        sums = dict.fromkeys(_OUTCOMES[1:], 0)
        for code, count in shown.items():
            outcome = REASONS[code].outcome if code in REASONS else ""
            if outcome in sums:
                sums[outcome] += count
        outcomes = {"accepted": "the rest"} | {name: count or f"<{LEAST}" for name, count in sums.items()}
        return {"records": shared_count(self.records), **outcomes, "reasons": shown}


_OUTCOMES = ("accepted", "repaired", "rejected", "blank")


@dataclass(frozen=True)
class Repair:
    """An outline that was mended on the way in."""

    file: str
    record: int
    what: str
    before_m2: float | None = None
    after_m2: float | None = None

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, "record": self.record, "what": self.what,
                "before_m2": self.before_m2, "after_m2": self.after_m2}  # fmt: skip


@dataclass(frozen=True)
class Override:
    """A rule made weaker on purpose, by name, with the reason for it."""

    name: str
    value: object
    reason: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.reason.strip():
            raise ValueError("an override needs a name and a reason")

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "value": mask(self.value), "reason": self.reason}


@dataclass(frozen=True)
class Output:
    """One file of a release.

    ``protected`` says that its figures are of protected tables (``tables`` of them) only; ``about`` says why
    there are none, for a file of words or of public facts.
    """

    name: str
    kind: str
    size: int
    sha256: str
    protected: bool
    tables: int = 0
    about: str = ""

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "kind": self.kind, "bytes": self.size, "sha256": self.sha256,
                "protected": self.protected, "tables": self.tables, "about": self.about}  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """Which release this one replaced: hashes of manifests, each folded into the next.

    Examples
    --------
    >>> first = Chain()
    >>> second = first.after(b"the first manifest")
    >>> second.number, second.link == Chain(2, second.previous, first.link).link
    (2, True)
    """

    number: int = 1
    previous: str = ""  # SHA-256 of the manifest replaced
    before: str = ""  # its own link

    @property
    def link(self) -> str:
        """This link: the one before it and the manifest replaced, hashed."""
        return sha256(f"{self.number}\n{self.before}\n{self.previous}".encode())

    def after(self, manifest: bytes) -> Chain:
        """The link of the release that replaces this one, whose manifest is given."""
        return Chain(self.number + 1, sha256(manifest), self.link)

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"number": self.number, "previous": self.previous, "before": self.before, "link": self.link}


@dataclass(frozen=True)
class Manifest:
    """All that a release says of itself; see the module for what the shareable copy leaves out.

    Examples
    --------
    >>> page = Output("map.html", "html", 10, "0" * 64, protected=True, tables=1)
    >>> manifest = Manifest("public", written="2026-09-01T09:00:00Z", outputs=(page,),
    ...     gate={"run": True, "narrowest": 7, "offenders": 0}, leaks={"run": True, "found": 0},
    ...     read_back={"run": True, "different": 0})
    >>> check_document(json.loads(manifest.to_bytes()), manifest.to_bytes())
    []
    """

    audience: str = PUBLIC
    title: str = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    written: str = ""
    command: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    repairs: tuple[Repair, ...] = ()
    coverage: Mapping[str, float] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    gate: Mapping[str, Any] = field(default_factory=dict)
    leaks: Mapping[str, Any] = field(default_factory=dict)
    read_back: Mapping[str, Any] = field(default_factory=dict)
    ledger: int = 0  # number of its entry in the authority's ledger; 0 where none was kept
    chain: Chain = Chain()

    @property
    def shareable(self) -> bool:
        """Whether the copy in the folder is a shareable one."""
        return self.audience != INTERNAL

    @property
    def run(self) -> str:
        """The run: a hash of all that is in the folder's manifest but what differs from run to run."""
        return self.document()["run"]

    def document(self, shareable: bool | None = None) -> dict[str, Any]:
        """Plain values in a fixed order; ``shareable=False`` for the authority's own copy."""
        share = self.shareable if shareable is None else shareable
        people = {name: shared_count(count, 10) if share else count for name, count in sorted(self.people.items())}
        return sealed(
            {
                "schema": SCHEMA,
                "run": "",
                "written": self.written,
                "copy": "shareable" if share else "own",
                "says": _SAYS if share else "",
                "audience": self.audience,
                "title": self.title,
                "reason": self.reason,
                "rules": list(self.rules),
                "overrides": [each.document() for each in self.overrides],
                "command": self.command,
                "settings": dict(self.settings),
                "versions": dict(self.versions),
                "inputs": [each.document(share) for each in self.inputs],
                "repairs": [each.document() for each in self.repairs],
                "coverage": dict(sorted(self.coverage.items())),
                "people": people,
                "outputs": [each.document() for each in sorted(self.outputs, key=lambda each: each.name)],
                "gate": dict(self.gate),
                "leaks": dict(self.leaks),
                "read_back": dict(self.read_back),
                "ledger": self.ledger,
                "chain": self.chain.document(),
                "seal": "",
            }
        )

    def to_bytes(self, shareable: bool | None = None) -> bytes:
        """The bytes of ``manifest.json``."""
        return to_bytes(self.document(shareable))


# --- sealing and checking -----------------------------------------------------------------------------------


def sha256(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Plain values as the one form of JSON that a manifest has."""
    return (json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False) + "\n").encode("ascii")


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its run and its seal filled in."""
    with_run = {**document, "run": run_of(document)}
    return {**with_run, "seal": seal_of(with_run)}


def run_of(document: Mapping[str, Any]) -> str:
    """Hash of all but what differs from run to run."""
    kept = {name: value for name, value in document.items() if name not in {"run", "seal"} | set(VOLATILE)}
    for dotted in VOLATILE:
        part, _, name = dotted.partition(".")
        if name and isinstance(kept.get(part), Mapping):
            kept[part] = {each: value for each, value in kept[part].items() if each != name}
    return sha256(to_bytes(kept))


def seal_of(document: Mapping[str, Any]) -> str:
    """Hash of all but the seal."""
    return sha256(to_bytes({**document, "seal": ""}))


@dataclass(frozen=True)
class Mismatch:
    """One thing in a release folder that is not as its manifest says; never a value of the data."""

    code: str
    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"

    def document(self) -> dict[str, str]:
        """Plain values."""
        return {"code": self.code, "file": self.file, "what": self.what}


def check_document(document: Mapping[str, Any], data: bytes) -> list[Mismatch]:
    """What in a manifest does not hold together: its seal, run, chain, accounts, checks and names.

    Parameters
    ----------
    document
        The manifest as plain values.
    data
        The bytes it was read from.
    """
    found = []

    def say(code: str, what: str) -> None:
        found.append(Mismatch(code, FILE, what))

    if document.get("schema") != SCHEMA:
        return [Mismatch("schema_unknown", FILE, f"of another schema than {SCHEMA}")]
    if to_bytes(document) != data or document.get("seal") != seal_of(document):
        say("manifest_changed", "changed since it was written (its seal does not fit)")
    if document.get("run") != run_of(document):
        say("run_wrong", "the run is not the hash of the contents")
    try:
        chain = document["chain"]
        if chain["link"] != Chain(chain["number"], chain["previous"], chain["before"]).link:
            say("chain_broken", "the link to the earlier release does not fit")
        if (chain["number"] == 1) != (chain["previous"] == "" == chain["before"]):
            say("chain_broken", "a first release that names an earlier one, or a later one that names none")
        for each in document["inputs"]:
            if not balances(each["accounts"]):
                say("accounts_wrong", f"{each['role']}: accepted, repaired, rejected and blank are not the records")
            if each["unchanged"] is False:
                say("input_changed", f"{each['role']}: the file changed during the run")
        if document["audience"] != INTERNAL:
            for part, what in _unproven(document):
                say(part, what)
        elif not str(document["reason"]).strip():
            say("reason_missing", "an internal release without a reason")
        for each in document["overrides"]:
            if not (str(each["name"]).strip() and str(each["reason"]).strip()):
                say("override_unexplained", "an override without a name or a reason")
        names = [each["name"] for each in document["outputs"]]
        if not all(map(is_plain_name, names)) or len({str(name).lower() for name in names}) != len(names):
            say("names_wrong", "names of outputs that are not plain, or not apart")
    except (KeyError, TypeError, AttributeError, ValueError):
        say("manifest_changed", "lacks a part that every manifest has")
    return found


def balances(accounts: Mapping[str, Any] | None) -> bool:
    """Whether accounts add up: exactly in the own copy, and possibly (given the rounding) in a shareable one.

    Examples
    --------
    >>> balances({"records": 10, "accepted": 7, "repaired": 1, "rejected": 1, "blank": 1, "reasons": {}})
    True
    """
    if accounts is None:
        return True
    if accounts["accepted"] != "the rest":
        return sum(accounts[name] for name in _OUTCOMES) == accounts["records"]
    most = LEAST - 1 if accounts["records"] == f"<{LEAST}" else accounts["records"] + 2
    reasons = accounts["reasons"]
    if any(isinstance(count, bool) or count < LEAST or count % 5 for count in reasons.values()):
        return False
    sums = {name: sum(count for code, count in reasons.items() if code in REASONS and REASONS[code].outcome == name)
            for name in _OUTCOMES[1:]}  # fmt: skip
    return all(accounts[name] == (total or f"<{LEAST}") for name, total in sums.items()) and all(
        max(LEAST, count - 2) <= most for count in reasons.values()
    )


def _unproven(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What a release that leaves the office must have passed, and has not."""
    gate, leaks = document["gate"], document["leaks"]
    narrowest = gate.get("narrowest")
    if gate.get("run") is not True or gate.get("offenders") != 0 or (narrowest is not None and narrowest < LEAST):
        yield "gate_failed", "has not passed the gate"
    if leaks.get("run") is not True or leaks.get("found") != 0:
        yield "leaks_found", "has not passed the leak scan"
    if document["read_back"].get("run") is not True or document["read_back"].get("different") != 0:
        yield "not_read_back", "its figures were not read back and compared"
    for each in document["outputs"]:
        if each["protected"] is not True and not each["about"]:
            yield "not_protected", f"{each['name']} is not made of protected tables"
