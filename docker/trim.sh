#!/bin/sh
# Removes what the service never uses from an environment: a third of its size.
#   trim.sh SITE_PACKAGES
set -eu
cd "$1"

# Replaces shared libraries by ones that only have the names that another one was linked with: the loader wants them.
# Each function returns 0.
hollow() { # USER LIBRARY...
    nm --dynamic --undefined-only "$1" | sed 's/.* //; s/@.*//' > /tmp/wanted
    shift
    for library; do
        readelf --dyn-syms --wide "$library" | awk '$7 ~ /^[0-9]+$/ { sub("@", " ", $8); print $8, $4, $3 }' > /tmp/names
        awk 'FNR == NR { wanted[$1]; next }
            !($1 in wanted) { next }
            / FUNC / { print "long " $1 "(void) { return 0; }" }
            / OBJECT / { print "char " $1 "[" $NF "];" }' /tmp/wanted /tmp/names > /tmp/hollow.c
        # All names have one version or none, as in avcodec_open2@@LIBAVCODEC_62.
        echo "$(sed -n 's/.* @\([^ ]*\) .*/\1/p' /tmp/names | sort -u) { global: *; };" > /tmp/hollow.map
        name=$(readelf --dynamic "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
        gcc -shared -fPIC -fno-builtin -nostdlib -s -w -Wl,-soname,"$name" -Wl,--version-script,/tmp/hollow.map \
            -o "$library" /tmp/hollow.c
    done
}

# OpenCV's copy of FFmpeg: videos are read with PyAV's. Nothing else needs the libraries below it, an OpenSSL among them.
libraries=opencv_python_headless.libs
hollow cv2/cv2.abi3.so $libraries/libavcodec-* $libraries/libavformat-* $libraries/libavutil-* $libraries/libswscale-*
hollow $libraries/libavif-* $libraries/libaom-* # AVIF is refused
rm $libraries/libcrypto-* $libraries/libdrm-* $libraries/libssl-* $libraries/libswresample-* $libraries/libvpx-*
# The encoders of PyAV's FFmpeg for H.264, H.265 and AV1.
hollow av.libs/libavcodec-* av.libs/libx264-* av.libs/libx265-* av.libs/libSvtAv1Enc-*

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
