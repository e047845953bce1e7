"""Our layers as folium layers: for our own page, and for a map that a folium user already has.

A stock folium layer writes data into script and HTML. These write it into data blocks and pass on nothing
but the ids of the blocks; the layers' names, which folium's layer control puts in as HTML, are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import branca.element
import folium
import numpy as np
from folium.template import Template

from geoplan.maps.blocks import area_block, block_id, school_block
from geoplan.maps.layers import AreaLayer, Layer, OutlineLayer, PointLayer
from geoplan.maps.shapes import fingerprint, packed, shapes_block

ASSETS = Path(__file__).with_name("assets")


class Raw(branca.element.Element):
    """Text put into a figure as it is. (branca would run it as a jinja2 template: ``{{...}}`` in a name.)"""

    def __init__(self, text: str):
        super().__init__()
        self.text = text

    def render(self, **kwargs: object) -> str:
        """The text."""
        return self.text


class GeoplanLayer(folium.map.Layer):
    """A layer of ours on a folium map.

    Parameters
    ----------
    maker
        Which function of the script draws it.
    title
        Name in folium's layer control.
    blocks
        Data blocks by id.
    options
        What is passed to the script: ids and flags, never data.
    bounds
        South-west and north-east corner, latitude before longitude.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = geoplan.{{ this.maker }}({{ this.options|tojavascript }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        maker: str,
        title: str,
        blocks: Mapping[str, str],
        options: Mapping[str, object],
        bounds: list[list[float]],
        overlay: bool = True,
        show: bool = True,
    ):
        super().__init__(name=safe_name(title), overlay=overlay, show=show)
        self._name = f"geoplan_{maker}"
        self.maker, self.blocks, self.options, self._bounds = maker, blocks, dict(options), bounds

    def _get_self_bounds(self) -> list[list[float]]:
        return self._bounds

    def render(self, **kwargs: object) -> None:
        """Adds script and blocks to the figure, each once, then the call that makes the layer."""
        figure = self.get_root()
        figure.header.add_child(Raw(f"<script>{script_text()}</script>"), name="geoplan_script")
        for name, block in self.blocks.items():
            figure.html.add_child(Raw(block), name=name)
        super().render(**kwargs)


class PageControls(folium.MacroElement):
    """The call that ties our page's own controls to the map and its layers."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "geoplan.page({{ this._parent.get_name() }}, { "
        "{% for kind, names in this.names.items() %}{{ kind }}: [{{ names|join(', ') }}], {% endfor %}"
        "});{% endmacro %}"
    )

    def __init__(self, names: Mapping[str, list[str]]):
        super().__init__()
        self._name = "PageControls"
        self.names = names


def folium_layer(layer: Layer, alone: bool = True, show: bool = True) -> GeoplanLayer:
    """A layer of ours, ready for ``.add_to`` any folium map and for folium's layer control.

    Parameters
    ----------
    layer
        From :func:`geoplan.maps.areas`, :func:`~geoplan.maps.schools` or :func:`~geoplan.maps.outline`.
    alone
        True on a map that is not our page: a click opens a small card.
    show
        Whether it is shown at once.
    """
    if isinstance(layer, AreaLayer):
        shapes, block = shapes_script(layer), area_block(layer)
        name = block_id("layer", block)
        options = {"shapes": shapes[0], "data": name, "alone": alone}
        if layer.focus:
            options["focus"] = [int(row) for row in layer.shapes.index.get_indexer(layer.focus)]
        blocks = dict([shapes, (name, data_script(name, block))])
        return GeoplanLayer("areas", layer.title, blocks, options, _bounds(layer), show=show)
    if isinstance(layer, OutlineLayer):
        shapes = shapes_script(layer)
        options = {"shapes": shapes[0], "names": layer.names}
        return GeoplanLayer("outlines", layer.title, dict([shapes]), options, _bounds(layer), show=show)
    block = school_block(layer)
    name = block_id("schools", block)
    blocks = {name: data_script(name, block)}
    options = {"data": name, "alone": alone}
    return GeoplanLayer("schools", layer.title, blocks, options, _bounds(layer), show=show)


def shapes_script(layer: AreaLayer | OutlineLayer) -> tuple[str, str]:
    """Id and data block of a layer's shapes; layers over the same shapes get the same id."""
    centres = isinstance(layer, OutlineLayer) and layer.names
    name = f"geoplan-shapes-{fingerprint(layer.shapes)[:12]}" + ("-named" if centres else "")
    return name, data_script(name, shapes_block(layer.shapes, centres=centres))


def data_script(name: str, value: object) -> str:
    """A data block: a script element that no browser runs, with nothing in it that could end it."""
    how, text = packed(value)
    kind = "application/json" if how == "json" else "text/plain"
    return f'<script type="{kind}" id="{name}" data-packing="{how}">{text}</script>'


def safe_name(title: str) -> str:
    """A title that folium may put through jinja2, JavaScript and HTML and that still reads the same.

    Examples
    --------
    >>> safe_name("<b>{{ 7 * 7 }}`")
    '&lt;b&gt;&#123;&#123; 7 * 7 &#125;&#125;&#96;'
    """
    text = html.escape(title)
    for char in "{}`\\":
        text = text.replace(char, f"&#{ord(char)};")
    return text


@cache
def script_text() -> str:
    """Our script."""
    return (ASSETS / "geoplan.js").read_text(encoding="utf-8")


def _bounds(layer: Layer) -> list[list[float]]:
    """South-west and north-east corners in degrees, for folium's ``fit_bounds``."""
    from pyproj import Transformer

    if isinstance(layer, PointLayer):
        known = layer.table[["easting", "northing"]].dropna().astype(float)
        known = known[(known != 0).any(axis=1)]
        corners = [*known.min(), *known.max()] if len(known) else [np.nan] * 4
    else:
        corners = list(layer.shapes.total_bounds)
    if not np.isfinite(corners).all():
        return [[None, None], [None, None]]
    to_degrees = Transformer.from_crs(27700, 4326, always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*(float(c) for c in corners))
    return [[south, west], [north, east]]
