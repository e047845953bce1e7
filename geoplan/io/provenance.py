"""What a manifest says of inputs and of the programs that read them."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan._version import __version__
from geoplan.io.exchange import file_hash
from geoplan.io.files import file_name
from geoplan.manifests import Input

if TYPE_CHECKING:
    from geoplan.sources import Source

_PACKAGES = ("folium", "geopandas", "numba", "numpy", "pandas", "pyarrow", "pyogrio", "pyproj", "scikit-learn", "scipy",
             "shapely")  # fmt: skip
_COUNTS = ("records", "accepted", "repaired", "rejected", "blank")


def input_of(
    path: str | os.PathLike,
    role: str,
    report: Mapping[str, Any] | None = None,
    *,
    source: Source | None = None,
    personal: bool = True,
    crs_found: str = "",
    crs_used: str = "",
) -> Input:
    """What the manifest says of an input.

    Parameters
    ----------
    path
        The file that was read.
    role
        What it was used as.
    report
        Its accounts, as :func:`geoplan.io.describe.describe_file` or ``AssignmentReport.to_dict`` gives them.
    source
        Its record; the fingerprint in it is of the bytes that were read, and is what the file is held to. Without
        one the file is fingerprinted now.
    personal
        False for published data (postcode directories, boundaries, schools).
    """
    report = report or {}
    details = report.get("details") or {}
    counts = {name: int(report[name]) for name in _COUNTS if name in report}
    reasons = report.get("by_reason") or report.get("reasons") or {}
    return Input(
        role,
        file_name(path),
        Path(path).stat().st_size,
        (source.fingerprint if source is not None else "") or file_hash(path),
        encoding=str(details.get("encoding", "")),
        vintage=source.vintage if source is not None else "",
        **counts,
        reasons={str(code): int(count) for code, count in reasons.items()},
        personal=personal,
        crs_found=crs_found,
        crs_used=crs_used,
        path=path,
    )


def versions() -> dict[str, Any]:
    """Versions of geoplan, Python, the libraries, and of GEOS, GDAL and PROJ where this run has loaded them."""
    return {
        "geoplan": __version__,
        "python": platform.python_version(),
        "geos": _loaded("shapely", "geos_version_string"),
        "gdal": _loaded("pyogrio", "__gdal_version_string__"),
        "proj": _loaded("pyproj", "__proj_version__"),
        "packages": dict(_installed()),
    }


@cache
def _installed() -> dict[str, str]:
    packages = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return packages


def _loaded(module: str, attribute: str) -> str:
    return str(getattr(sys.modules.get(module), attribute, "not used"))
