#!/bin/sh
# Takes out of an environment what the service never reads: a fifth of its size.
#   trim.sh SITE_PACKAGES
set -eu
cd "$1"

# Tests, and what is for those who compile against these packages or check types.
find . -type d -name tests -prune -exec rm -r {} +
find . -type f \( -name '*.a' -o -name '*.[ch]' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.pyx' \) -delete
rm -r numpy/distutils numpy/f2py numpy/_core/_simd.* numpy/_core/*_tests.*

# The languages that Pygments knows: it is here for the colours of a terminal.
find pygments/lexers -type f ! -name '__init__.py' ! -name '_mapping.py' ! -name 'python.py' -delete

# ONNX Runtime: its tools, with the protobuf that only they import, and its copy for C programs.
rm -r onnxruntime/quantization onnxruntime/tools onnxruntime/transformers google
rm onnxruntime/capi/libonnxruntime.so.*

# Symbols for debuggers. Not those of the libraries beside, which stripping would damage: their
# segments were moved when the wheels were made.
find av httptools msgspec wrapt -type f -name '*.so' -exec strip {} +

# Byte code in the place of its source, which only a traceback would show, and the log holds none.
# OpenCV runs some of its files as text.
python -m compileall -q -b --invalidation-mode unchecked-hash "$1"
find . -type f -name '*.py' ! -path './cv2/*' -delete
