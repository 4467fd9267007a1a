"""CASME: a sheet with two columns for the apex, and frames such as `sub01/EP01_5/EP01_5-73.jpg`.

W.-J. Yan, Q. Wu, Y.-J. Liu, S.-J. Wang, X. Fu, "CASME Database: A Dataset of Spontaneous
Micro-Expressions Collected from Neutralized Faces", FG 2013. `ApexF2` counts where `ApexF1` has no
number.
"""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout("casme", "CASME", ("sub{person:02}/{clip}", "{subject}/{clip}"), rate=60)
