"""How each database is delivered: one small description for each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from off_tanet_export.datasets.layouts import (
    casme,
    casme2,
    casme3,
    casme_sq,
    four_dme,
    mmew,
    own,
    samm,
    samm_lv,
    smic,
)
from off_tanet_export.datasets.layouts.layout import Layout

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        module.LAYOUT.database: module.LAYOUT
        for module in (
            *(casme2, casme, casme_sq, casme3, smic, samm, samm_lv, mmew, four_dme, own),
        )
    }
)
"""Each layout, by the value of `--database`."""
