#!/bin/sh
# Removes files that the service never reads from an environment: a fifth of its size.
#   trim.sh SITE_PACKAGES
set -eu
cd "$1"

# Tests, and files for compiling against these packages or checking types.
find . -type d -name tests -prune -exec rm -r {} +
find . -type f \( -name '*.a' -o -name '*.[ch]' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.pyx' \) -delete
rm -r numpy/distutils numpy/f2py numpy/_core/_simd.* numpy/_core/*_tests.*

# The lexers of Pygments, which is only used for colours on a terminal.
find pygments/lexers -type f ! -name '__init__.py' ! -name '_mapping.py' ! -name 'python.py' -delete

# The tools of ONNX Runtime, protobuf, which only they import, and the library for C programs.
rm -r onnxruntime/quantization onnxruntime/tools onnxruntime/transformers google
rm onnxruntime/capi/libonnxruntime.so.*

# Debug symbols of extension modules. Bundled libraries are not stripped, which would damage them: their
# segments were moved when the wheels were built.
find av httptools msgspec wrapt -type f -name '*.so' -exec strip {} +

# Byte code replaces the sources, which only tracebacks would show; the log has none.
# OpenCV executes some of its files as text.
python -m compileall -q -b --invalidation-mode unchecked-hash "$1"
find . -type f -name '*.py' ! -path './cv2/*' -delete
