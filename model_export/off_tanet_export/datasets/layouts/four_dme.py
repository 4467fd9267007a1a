"""4DME: several emotions in one cell, such as `Negative/Repression`.

X. Li et al., "4DME: A Spontaneous 4D Micro-Expression Dataset with Multimodalities", IEEE
Transactions on Affective Computing 14(4), 2023. A clip whose emotions are of one class has that
class. Two rows of the delivered sheet have each other's clip; the check of frames finds them.
"""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout("4dme", "4DME", ("{subject}/{clip}",), rate=60)
