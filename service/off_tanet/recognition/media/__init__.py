"""Decoding of uploaded images and videos, in memory and within limits.

- `images`, `video`: decode an image, or iterate over the frames of a clip.
- `containers`: the kind of a file, its size in pixels and whether it is complete, before decoding.
- `png`, `jpeg`, `webp`, `bmp`, `tiff*`: image formats; `mp4`, `avi`, `matroska`: video containers.
- `masking`: the parts of a video file that FFmpeg may read.
- `entropy`: C++ that checks whether the coded data of an image are complete.
- `unsupported*`: names of formats that are refused, with advice for the user.
"""
