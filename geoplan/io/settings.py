"""What a project file says, ``geoplan.toml``: read once into a frozen value; paths are relative to the file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoplan.columns import PEOPLE, TABLES
from geoplan.disclosure import Rule, rule_for
from geoplan.errors import ProjectError
from geoplan.io.recipes import load_recipe, validation_text

FILE_NAME = "geoplan.toml"
_STRICT = ConfigDict(extra="forbid", frozen=True)


class _About(BaseModel):
    model_config = _STRICT
    name: str = Field(min_length=1)
    invented: bool | str = False
    as_at: str = ""
    contact: str = ""


class Area(BaseModel):
    """An area layer of a project: its file, and how to read it."""

    model_config = _STRICT
    file: str
    layer: str | None = None
    code: str | None = None
    name: str | None = None


class _Segments(BaseModel):
    model_config = _STRICT
    kind: str | None = None
    scheme: str | None = None
    version: str | None = None
    level: str | None = None
    keyed_by: str | None = None
    code: str | None = None
    segment: str | None = None
    name: str | None = None
    base_date: str = ""
    invented: bool = False
    names: Mapping[str, str] = Field(default_factory=dict)


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    hide_below: int | None = None
    round_to: int | None = None
    min_base: int | None = None
    reason: str = ""


class _File(BaseModel):
    model_config = _STRICT
    project: _About
    files: Mapping[str, str] = Field(default_factory=dict)
    areas: Mapping[str, str | Area] = Field(default_factory=dict)
    plans: Mapping[str, str] = Field(default_factory=dict)
    segmentation: _Segments = _Segments()
    columns: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    rules: _Rules = _Rules()


class Settings(BaseModel):
    """Which files a place has, by role, and how to read them."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    path: Path
    settings: _File

    def __repr__(self) -> str:
        return f"<Project {self.name}: {', '.join(self.settings.files)}>"

    __str__ = __repr__

    @property
    def name(self) -> str:
        """What the place is called."""
        return self.settings.project.name

    @property
    def invented(self) -> str:
        """The sentence that says what is made up; "" where nothing is."""
        note = self.settings.project.invented
        return note if isinstance(note, str) else "Invented data." if note else ""

    @property
    def as_at(self) -> str:
        """What the data are called (a census day): other data need another name, so that they are never subtracted."""
        return self.settings.project.as_at

    @property
    def contact(self) -> str:
        """Whom a head may write to, printed on reports."""
        return self.settings.project.contact

    def rule(
        self, audience: str = "public", reason: str = "", overrides: Mapping[str, int] | None = None, because: str = ""
    ) -> Rule:
        """The small-number rule of an audience, with the thresholds that ``[rules]`` or ``overrides`` change.

        Parameters
        ----------
        audience, reason
            As for :func:`geoplan.disclosure.rule_for`.
        overrides, because
            Thresholds to change instead of those of ``[rules]``, and why; both are printed on every output.

        Raises
        ------
        ValueError
            If the audience or a threshold is not known, or a reason is missing.
        """
        told = self.settings.rules.model_dump(exclude_none=True)
        said = told.pop("reason")
        if audience == "internal":
            return rule_for(audience, reason=reason, overrides=overrides)
        return rule_for(audience, reason=because if overrides else said, overrides=overrides or told or None)

    @property
    def folder(self) -> Path:
        """Where the project file lies."""
        return self.path.parent

    def file(self, role: str) -> Path:
        """The path of a file by its role: ``pupils``, ``schools``, ``callers`` ..."""
        named = {**self.settings.files, **self.settings.plans}
        if role not in named:
            raise ProjectError(f'{self.path.name}: no file is named for {role}; write {role} = "..." under [files]')
        return self.folder / named[role]

    def has(self, role: str) -> bool:
        """Whether a file is named for a role."""
        return role in self.settings.files or role in self.settings.plans

    @property
    def area_files(self) -> dict[str, Path]:
        """The file of each area kind."""
        return {
            kind: self.folder / (area if isinstance(area, str) else area.file)
            for kind, area in self.settings.areas.items()
        }

    @property
    def layers(self) -> dict[str, str]:
        """The layer of each area kind whose file has several."""
        return {
            kind: area.layer for kind, area in self.settings.areas.items() if not isinstance(area, str) and area.layer
        }

    @property
    def segments_kind(self) -> str | None:
        """The recipe of the segmentation, if it has one."""
        return self.settings.segmentation.kind

    @property
    def segments_file(self) -> Path | None:
        """The file of the segmentation, if one is named."""
        return self.folder / self.settings.files["segments"] if "segments" in self.settings.files else None


Kind = TypeVar("Kind", bound=Settings)


def read_settings(path: str | os.PathLike, kind: type[Kind] = Settings) -> Kind:
    """Read a project file, or the one in a folder, as a :class:`Settings` or something that adds to it.

    Raises
    ------
    ProjectError
        Naming the key concerned.
    """
    target = Path(path)
    target = target / FILE_NAME if target.is_dir() else target
    try:
        settings = _File(**tomllib.loads(target.read_bytes().decode("utf-8-sig")))
    except FileNotFoundError:
        raise ProjectError(f"no {target.name} here: run geoplan init, or name a folder that has one") from None
    except (OSError, UnicodeDecodeError):
        raise ProjectError(f"{target.name}: cannot be read; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{target.name}: not TOML: {error}") from None
    except ValidationError as error:
        raise ProjectError(f"{target.name}: {validation_text(error)}") from None
    _check(target.name, settings)
    return kind(path=target.resolve(), settings=settings)


def _check(name: str, settings: _File) -> None:
    """Columns must be columns; paths must be plain; a segmentation's kind must be a recipe."""
    for role, columns in settings.columns.items():
        table = TABLES.get(role, PEOPLE)
        for ours in columns:
            if ours not in table:
                raise ProjectError(
                    f"{name}: [columns.{role}] {ours} is not a column; there are {', '.join(table.names)}"
                )
    told = settings.rules.model_dump(exclude_none=True)
    said = told.pop("reason")
    if told:
        try:
            rule_for("public", reason=said, overrides=told)
        except ValueError as error:
            raise ProjectError(f'{name}: [rules] {error}; write reason = "..." beside it') from None
    if settings.segmentation.kind is not None:
        load_recipe(settings.segmentation.kind)


def find_settings(project: object = None) -> Settings | None:
    """Settings given as such, by path, or (where nothing is given) those of the present folder."""
    if isinstance(project, Settings):
        return project
    if project is not None:
        return read_settings(project)  # type: ignore[arg-type]
    return read_settings(FILE_NAME) if Path(FILE_NAME).is_file() else None
