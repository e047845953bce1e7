"""The project file, ``geoplan.toml``: which files a place has, and what their columns are called.

Read once into a frozen value that knows how to read its own files; paths are relative to the project file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoplan.areas import Boundaries
from geoplan.columns import PEOPLE, PUPILS, SCHOOLS, TABLES, explain
from geoplan.errors import ProjectError
from geoplan.io.directories import read_postcodes
from geoplan.io.files import file_name, refuse
from geoplan.io.layers import read_boundaries
from geoplan.io.outputs import cannot_write, write_bytes, write_new
from geoplan.io.people import read_people, read_pupils
from geoplan.io.recipes import demo_folder, load_recipe, validation_text
from geoplan.io.schools import read_schools
from geoplan.io.segmentations import read_segmentation
from geoplan.people import People
from geoplan.postcodes import PostcodeDirectory
from geoplan.schools import Schools
from geoplan.segments import Segmentation
from geoplan.sources import Source

FILE_NAME = "geoplan.toml"
_STRICT = ConfigDict(extra="forbid", frozen=True)


class _About(BaseModel):
    model_config = _STRICT
    name: str = Field(min_length=1)
    invented: bool | str = False


class _Area(BaseModel):
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


class _File(BaseModel):
    model_config = _STRICT
    project: _About
    files: Mapping[str, str] = Field(default_factory=dict)
    areas: Mapping[str, str | _Area] = Field(default_factory=dict)
    plans: Mapping[str, str] = Field(default_factory=dict)
    segmentation: _Segments = _Segments()
    columns: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    rules: Mapping[str, object] = Field(default_factory=dict)


class Project(BaseModel):
    """A place: its files by role, and how to read them. Made by :func:`read_project`.

    Each reader opens its file when it is called: ``pupils()``, ``schools()``, ``postcodes()``, ``areas()``,
    ``segments()``, ``people("callers")``.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, ignored_types=(cached_property,))
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

    def schools(self) -> Schools:
        """The schools."""
        schools = read_schools(self.file("schools"), self.settings.columns.get("schools"))
        return replace(schools, source=self._source(schools.source, "Schools"))

    def pupils(self, schools: Schools | None = None, role: str = "pupils", keep: Sequence[str] = ()) -> People:
        """The pupils on roll (or another file of pupils, by role), checked against the project's schools."""
        if schools is None and self.has("schools"):
            schools = self.schools()
        pupils = read_pupils(self.file(role), schools, self.settings.columns.get("pupils"), keep)
        return replace(pupils, source=self._source(pupils.source, "Pupils on roll"))

    def people(self, role: str, keep: Sequence[str] = (), id_column: str | None = None) -> People:
        """A list of people by role, such as ``callers_2025``."""
        noun = role.rstrip("0123456789").rstrip("_")
        people = read_people(
            self.file(role),
            noun,
            self.settings.columns.get(role) or self.settings.columns.get("people"),
            keep,
            id_column,
        )
        return replace(people, source=self._source(people.source, noun.capitalize()))

    def postcodes(self) -> PostcodeDirectory:
        """The postcode directory."""
        return read_postcodes(self.file("postcodes"))

    def area(self, kind: str) -> Boundaries:
        """One kind of area."""
        if kind not in self.settings.areas:
            raise ProjectError(
                f"{self.path.name}: no areas {kind!r}; there are {', '.join(self.settings.areas) or 'none'}"
            )
        area = self.settings.areas[kind]
        area = _Area(file=area) if isinstance(area, str) else area
        return read_boundaries(self.area_files[kind], kind, area.layer, area.code, area.name)

    def areas(self, *kinds: str) -> tuple[Boundaries, ...]:
        """All kinds of area, in the order of the file, or those named."""
        return tuple(self.area(kind) for kind in kinds or self.settings.areas)

    def segments(self, level: str | None = None) -> Segmentation | None:
        """The segmentation, or None where the project has none."""
        if self.segments_file is None:
            return None
        s = self.settings.segmentation
        answer = read_segmentation(
            s.kind or self.segments_file,
            self.segments_file,
            s.scheme,
            s.version,
            level or s.level,
            s.keyed_by,
            s.code,
            s.segment,
            s.name,
            s.names,
            s.base_date,
        )
        if not s.invented:
            return answer
        credit = f"Segments: {self.name} (invented)"
        return replace(
            answer, source=replace(answer.source, invented=True, attribution=answer.source.attribution or credit)
        )

    def _source(self, source: Source, title: str) -> Source:
        note = self.name + (" (invented)" if self.invented else "")
        return replace(
            source,
            title=f"{title}, {note}",
            invented=bool(self.invented),
            attribution=source.attribution or f"{title}: {note}",
        )


def read_project(path: str | os.PathLike = FILE_NAME) -> Project:
    """Read a project file, or the one in a folder.

    Raises
    ------
    ProjectError
        Naming the key concerned: a key that is not known, a file that is not there, a column of no table.

    Examples
    --------
    >>> from geoplan.io.recipes import demo_folder
    >>> read_project(demo_folder()).name
    'Medway'
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
    return Project(path=target.resolve(), settings=settings)


def _check(name: str, settings: _File) -> None:
    """Columns must be columns; paths must be plain; a segmentation's kind must be a recipe."""
    for role, columns in settings.columns.items():
        table = TABLES.get(role, PEOPLE)
        for ours in columns:
            if ours not in table:
                raise ProjectError(
                    f"{name}: [columns.{role}] {ours} is not a column; there are {', '.join(table.names)}"
                )
    if settings.segmentation.kind is not None:
        load_recipe(settings.segmentation.kind)


def find_project(project: object = None) -> Project | None:
    """A project given as such, by path, or (where nothing is given) the one in the present folder."""
    if isinstance(project, Project):
        return project
    if project is not None:
        return read_project(project)  # type: ignore[arg-type]
    return read_project() if Path(FILE_NAME).is_file() else None


# ------------------------------------------------------------------------------------------- demo and init


def copy_demo(folder: str | os.PathLike) -> Path:
    """Copy the embedded place into a folder that holds nothing yet.

    Returns
    -------
    Path
        The folder.
    """
    target = Path(folder)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise refuse(
                file_name(target), "output_unwritable", "there is something in it already", "name a new folder"
            )
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(demo_folder().iterdir()):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                write_bytes(target / path.name, path.read_bytes())
    except OSError as error:
        raise cannot_write(target, error) from None
    return target


_TEMPLATE = """\
# geoplan's project file: which files a place has. Paths are relative to this file.

[project]
name = "Our authority"
# invented = true        # for made-up data: every page says so

[files]
pupils = "pupils.csv"
schools = "schools.csv"
# postcodes = "ONSPD.zip"          # ONSPD, NSPL, the ONS lookup, Code-Point Open, or a table of your own
# segments = "oac21.csv"
# callers = "callers.csv"          # any list of people with a postcode

[areas]                             # kind, with its year = file
# lsoa21 = "lsoa21.gpkg"
# ward24 = { file = "boundaries.gpkg", layer = "wards" }

[segmentation]
# kind = "oac21"                    # a recipe (geoplan boundaries list), or else:
# scheme = "Mosaic"
# version = "7"
# keyed_by = "postcode"

[columns.pupils]                    # only for headers that geoplan does not know: our name = "your header"
# school = "Base"

[columns.schools]
"""


def write_project_template(folder: str | os.PathLike = ".") -> list[Path]:
    """Write ``geoplan.toml`` and empty tables to fill; a file that is there is never touched.

    Returns
    -------
    list of Path
        The files written.
    """
    target = Path(folder)
    tables = {
        "pupils.csv": "pupil_id,postcode,school,year_group,fsm,sen,eal,ethnicity,enrol_status\n",
        "schools.csv": "urn,name,phase,easting,northing,postcode,places,pan,lowest_year,highest_year,cluster\n",
    }
    helps = "\n\n".join(
        f"{table.name}: one row is {table.row}\n{explain(table)}" for table in (PUPILS, PEOPLE, SCHOOLS)
    )
    texts = {FILE_NAME: _TEMPLATE, **tables, "columns.txt": helps + "\n"}
    return [path for name, text in texts.items() if (path := write_new(target / name, text)) is not None]
