"""SAMM: a workbook whose header is on line 14, and frames such as `006/006_1_2/006_05562.jpg`.

A. K. Davison, C. Lansley, N. Costen, K. Tan, M. H. Yap, "SAMM: A Spontaneous Micro-Facial Movement
Dataset", IEEE Transactions on Affective Computing 9(1), 2018. The apex of 028_4_1 is after its
offset, that of 032_3_1 before its onset.
"""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout("samm", "SAMM", ("{person:03}/{clip}",), rate=200)
