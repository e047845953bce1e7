"""The project file, ``geoplan.toml``: which files a place has, and what their columns are called.

Read once into a frozen value that knows how to read its own files; paths are relative to the project file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.columns import PEOPLE, PUPILS, SCHOOLS, explain
from geoplan.corrections import Corrections
from geoplan.errors import ProjectError
from geoplan.io.corrections import FILE_NAME as CORRECTIONS_FILE
from geoplan.io.corrections import read_corrections
from geoplan.io.directories import read_postcodes
from geoplan.io.files import file_name, refuse
from geoplan.io.layers import read_boundaries
from geoplan.io.outputs import cannot_write, write_bytes, write_new
from geoplan.io.people import read_people, read_pupils
from geoplan.io.plans import read_plan
from geoplan.io.recipes import demo_folder
from geoplan.io.schools import read_schools
from geoplan.io.segmentations import read_segmentation
from geoplan.io.settings import FILE_NAME, Area, Settings, read_settings
from geoplan.people import People
from geoplan.postcodes import PostcodeDirectory
from geoplan.schools import Schools
from geoplan.segments import Segmentation
from geoplan.sources import Source


class Project(Settings):
    """A place: its files by role, and how to read them. Made by :func:`read_project`.

    Each reader opens its file when it is called: ``pupils()``, ``schools()``, ``postcodes()``, ``areas()``,
    ``segments()``, ``people("callers")``.
    """

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
        area = Area(file=area) if isinstance(area, str) else area
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

    @property
    def corrections_file(self) -> Path:
        """Where segments put right by hand are recorded: as named under [files], or ``corrections.csv`` beside it."""
        return self.file("corrections") if self.has("corrections") else self.folder / CORRECTIONS_FILE

    def corrections(self) -> Corrections | None:
        """Segments put right by hand, or None where none are recorded."""
        if not self.has("corrections") and not self.corrections_file.is_file():
            return None
        return read_corrections(self.corrections_file, self.settings.columns.get("corrections"))

    def catchments(self, role: str, kind: str | None = None) -> CatchmentPlan:
        """A plan of catchments by its role under [plans]: ``today``, ``option_a`` ..."""
        title = f"Catchments, {role.replace('_', ' ')}"
        plan = read_plan(self.file(role), kind, name=title)
        return replace(plan, source=self._source(plan.source, title))

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
    return read_settings(path, Project)


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
# as_at = "2027-01-21"     # what the data are called, such as the census day; change it when the data change

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

[rules]                             # the small-number rule is 10-5; what is changed is printed on every output
# hide_below = 5
# reason = "why, in a few words"

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
        "pupils.csv": "pupil_id,postcode,school,year_group,fsm,sen,eal,ethnicity,sex,enrol_status\n",
        "schools.csv": "urn,name,phase,easting,northing,postcode,places,pan,lowest_year,highest_year,cluster\n",
    }
    helps = "\n\n".join(
        f"{table.name}: one row is {table.row}\n{explain(table)}" for table in (PUPILS, PEOPLE, SCHOOLS)
    )
    texts = {FILE_NAME: _TEMPLATE, **tables, "columns.txt": helps + "\n"}
    return [path for name, text in texts.items() if (path := write_new(target / name, text)) is not None]
