"""MMEW: frames in folders of emotions, such as `Micro_Expression/anger/S01-01-001/1.jpg`.

X. Ben et al., "Video-Based Facial Micro-Expression Analysis: A Survey of Datasets, Features and
Algorithms", IEEE TPAMI 44(9), 2022. There are no folders of subjects; clips have unique names.
"""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout("mmew", "MMEW", ("{clip}",), rate=90)
