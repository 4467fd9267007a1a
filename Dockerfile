# The image of the service, and with --target train one for training and export, with PyTorch.
#
# Steps that change rarely come first: after a change of Python code, only the last two steps of
# `application` and the copy of their result run again.

# BASE may name a digest, so that a build can be repeated: see docs/deployment.md.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS compiler
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/build.txt requirements/
RUN python -m venv /tools \
    && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
ENV PATH=/tools/bin:$PATH

FROM compiler AS kernel
COPY service/off_tanet/CMakeLists.txt service/off_tanet/
COPY service/off_tanet/native service/off_tanet/native
COPY service/off_tanet/recognition/face/kernel service/off_tanet/recognition/face/kernel
COPY service/off_tanet/recognition/flow service/off_tanet/recognition/flow
COPY service/off_tanet/recognition/media/entropy service/off_tanet/recognition/media/entropy
COPY service/off_tanet/recognition/motion/kernel service/off_tanet/recognition/motion/kernel
COPY service/off_tanet/schemas/json_tensors service/off_tanet/schemas/json_tensors
RUN cmake -G Ninja -S service/off_tanet -B build -DCMAKE_BUILD_TYPE=Release \
    && cmake --build build \
    && cmake --install build --prefix /kernel --strip

# An environment without pip.
FROM compiler AS dependencies
COPY requirements/service.txt requirements/
COPY docker/trim.sh docker/
RUN python -m venv --without-pip /opt/off-tanet \
    && pip --python /opt/off-tanet/bin/python install --no-cache-dir --no-compile \
        --require-hashes -r requirements/service.txt \
    && docker/trim.sh /opt/off-tanet/lib/python3.11/site-packages

# Byte code is not compared with its source when it is loaded, as neither changes in an image.
FROM dependencies AS application
COPY pyproject.toml README.md LICENSE ./
COPY model_export model_export
COPY service service
RUN pip wheel --no-deps --no-build-isolation --no-cache-dir --wheel-dir /wheels \
        --config-settings=wheel.cmake=false . \
    && pip --python /opt/off-tanet/bin/python install --no-deps --no-index --no-compile \
        --prefix /application /wheels/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /application/lib

FROM ${BASE} AS service
ENV PATH=/opt/off-tanet/bin:$PATH
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["off-tanet"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
COPY --from=dependencies /opt/off-tanet /opt/off-tanet
COPY --from=kernel /kernel/off_tanet /opt/off-tanet/lib/python3.11/site-packages/off_tanet
COPY --from=application /application /opt/off-tanet
# Last, as their values change with each build, and each step after them would run again.
ARG VERSION=unreleased
ARG SOURCE=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="off-tanet" \
      org.opencontainers.image.description="Micro-expression recognition over HTTP" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="Apache-2.0"

# PyTorch from PyPI includes CUDA: pass PyTorch's index of CPU builds as
# --build-arg PIP_EXTRA_INDEX_URL, or a folder with a CPU build as PIP_FIND_LINKS.
FROM compiler AS training-dependencies
COPY requirements/service.txt requirements/train.txt requirements/
RUN python -m venv --without-pip /opt/off-tanet \
    && pip --python /opt/off-tanet/bin/python install --no-cache-dir \
        --require-hashes -r requirements/service.txt -r requirements/train.txt
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
RUN pip --python /opt/off-tanet/bin/python install --no-cache-dir torch==2.13.0 \
    && /opt/off-tanet/bin/python -c "import torch; assert torch.version.cuda is None, 'no CPU build'"

FROM ${BASE} AS train
ENV PATH=/opt/off-tanet/bin:$PATH
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["off-tanet"]
CMD ["--help"]
COPY --from=training-dependencies /opt/off-tanet /opt/off-tanet
COPY --from=kernel /kernel/off_tanet /opt/off-tanet/lib/python3.11/site-packages/off_tanet
COPY --from=application /application /opt/off-tanet
# Last, as their values change with each build, and each step after them would run again.
ARG VERSION=unreleased
ARG SOURCE=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="off-tanet-train" \
      org.opencontainers.image.description="Trains and exports models of Off-TANet" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="Apache-2.0"

# The default target.
FROM service
