"""CASME II: `CASME2-coding-20140508.xlsx`, and frames such as `sub01/EP02_01f/img46.jpg`.

W.-J. Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline
Evaluation", PLoS ONE 9(1), 2014. Two columns of the sheet have no name, subjects are texts (`01`),
and one clip's apex is `/`. Faces are delivered as crops, too, in files such as `reg_img46.jpg`.
"""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout("casme2", "CASME II", ("sub{person:02}/{clip}", "{subject}/{clip}"), rate=200)
