"""Maps and the pages they stand on: values in, one self-contained HTML file out.

``areas``, ``schools`` and ``outline`` make layers; ``bars`` and ``table`` make panels; :class:`MapBook` is the
page. ``folium_layer`` gives a layer for a folium map of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoplan.maps.book import MapBook
from geoplan.maps.layers import AreaLayer, OutlineLayer, PointLayer, areas, outline, schools
from geoplan.maps.panels import BarPanel, LayerRefused, PicturePanel, TablePanel, bars, pictures, table

if TYPE_CHECKING:
    from geoplan.maps.folium_layers import GeoplanLayer
    from geoplan.maps.layers import Layer

__all__ = [
    "AreaLayer",
    "BarPanel",
    "LayerRefused",
    "MapBook",
    "OutlineLayer",
    "PicturePanel",
    "PointLayer",
    "TablePanel",
    "areas",
    "bars",
    "folium_layer",
    "outline",
    "pictures",
    "schools",
    "table",
]


def folium_layer(layer: Layer, show: bool = True) -> GeoplanLayer:
    """A layer for a folium map of your own: ``folium_layer(layer).add_to(your_map)``."""
    from geoplan.maps import folium_layers

    return folium_layers.folium_layer(layer, show=show)
