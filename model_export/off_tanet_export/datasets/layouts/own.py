"""Your own data: any sheet with the usual columns, next to folders such as `s1/clip/img46.jpg`."""

from off_tanet_export.datasets.layouts.layout import Layout

LAYOUT = Layout(
    "csv",
    "your own data",
    ("{subject}/{clip}", "sub{person:02}/{clip}", "s{person}/{clip}"),
    rate=100,
    several_clips=True,
    names={"kind": ("kind", "type", "expressiontype")},
)
