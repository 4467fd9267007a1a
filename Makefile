# On a fresh machine, `make serve` and `make test` set up everything they need.
PYTHON ?= python3
HOST   ?= 127.0.0.1
PORT   ?= 8000
# Most tests wait for a server of their own: two processes take half the time of one on two cores.
TEST_PROCESSES ?= 2
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet
KERNEL := $(shell find service \( -name '*.cpp' -o -name '*.h' -o -name '*.cmake' -o -name CMakeLists.txt \))

.PHONY: install serve test test-fast test-newest coverage lint types audit sanitize wheels sbom image docs bench-flow bench-pair bench-face bench-face-models bench-head bench-serve bench-start bench-peers bench-v2 bench-scaling bench-memory bench-clip bench-spotting bench-light bench-rates bench-batch bench-training bench-stream bench-ray bench-real bench-real-videos check-media soak test-ray soak-ray train lock clean

install: .venv/.service

serve: install
	$(BIN)/off-tanet serve --host $(HOST) --port $(PORT)

test: .venv/.test
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --durations=15

# Runs the tests that take less than about 5 s each.
test-fast: .venv/.test
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile -m "not slow"

# Measures the branch coverage of both packages by all tests, worker processes included. Prints the report and writes
# it to build/coverage/html. PYTHONPATH makes the workers save their data every second, as they are killed at their end.
# A warning names each file that a kill cut off.
coverage: .venv/.test
	rm -rf build/coverage
	PYTHONPATH=$(CURDIR)/tests/support/worker_coverage $(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report

# Tests on the newest Python available, or NEWEST_PYTHON: it has other releases of the decoders and new warnings,
# which are errors here. Uses a separate environment without PyTorch.
NEWEST_TESTS := $(foreach part,recognition/media/test_video recognition/media/test_clip_refusals recognition/media/test_clip_indexes \
                recognition/media/test_clip_views recognition/media/test_clip_shown \
                recognition/media/test_clip_damage recognition/media/test_codecs \
                recognition/media/test_images recognition/media/test_properties \
                recognition/media/test_containers recognition/media/test_container_properties \
                recognition/media/test_damaged_images \
                recognition/media/test_tiff_images recognition/media/test_bitmaps recognition/media/test_png \
                cli/test_doctor cli/test_endings api/test_health api/test_predictions \
                api/test_videos api/test_bad_input,tests/$(part).py)
test-newest: .venv-newest/.test
	.venv-newest/bin/python -c "import sys, av; print('on Python', sys.version.split()[0], 'with PyAV', av.__version__)"
	.venv-newest/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(NEWEST_TESTS)

.venv-newest/.test: requirements/service.txt requirements/build.txt requirements/test.txt pyproject.toml $(KERNEL) .ci/newest-venv
	.ci/newest-venv .venv-newest
	touch $@

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive service model_export

types: .venv/.test
	$(BIN)/mypy

# Builds the documentation site in a separate environment; fails on a broken link.
docs: build/docs/.locked
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict --quiet

build/docs/.locked: requirements/docs.txt
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# Checks the locked versions for known vulnerabilities; fails if PyPI's advisories cannot be reached.
LOCKED := $(foreach lock,service build test,--requirement requirements/$(lock).txt)
audit: .venv/.test build/audit/.locked
	$(BIN)/bandit --configfile pyproject.toml --recursive service model_export
	$(BIN)/python -m pip check
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(LOCKED)

build/audit/.locked: requirements/audit.txt
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# Measures speed as ratios to reference implementations in the same run; needs an idle machine.
bench-flow bench-pair bench-face bench-face-models bench-head bench-serve bench-start bench-peers bench-v2 bench-scaling bench-memory bench-clip bench-spotting bench-light bench-rates bench-batch bench-training bench-stream: bench-%: .venv/.test
	$(BIN)/python -m tests.benchmarks.bench_$(subst -,_,$*)

# Real clips in one folder for each emotion: `make bench-real FOLDER=... OPTIONS="--sheet sheet.png"`.
bench-real: .venv/.test
	$(BIN)/python -m tests.benchmarks.bench_real $(FOLDER) $(OPTIONS)

# Prints what is found in real videos: `make bench-real-videos FOLDER=... LABELS=... [CLIPS=... FLAGS=...]`.
bench-real-videos: .venv/.test
	$(BIN)/python -m tests.benchmarks.bench_real_videos $(FOLDER) $(LABELS) \
		$(if $(CLIPS),--clips $(CLIPS)) $(if $(FLAGS),--flags $(FLAGS)) $(if $(CACHE),--cache $(CACHE))

# Compares the decoding of pictures and clips with Pillow and FFmpeg: `make check-media FOLDER=...`.
check-media: .venv/.test
	$(BIN)/python -m tests.check_media $(FOLDER)

# Tests that take too long for every commit: fuzzing, bombs, killed workers, memory over many requests.
soak: .venv/.test
	$(BIN)/python -m tests.soak

# The service on a Ray cluster: `test-ray` runs tests that `make test` skips without Ray, `soak-ray` the contract
# tests and long tests on a cluster, `bench-ray` measures the overhead of Ray. `test-ray` prints no summary (-qq),
# so that the one of `make test` is the last.
test-ray: .venv/.ray
	$(BIN)/python -m pytest -qq tests/cluster

soak-ray: .venv/.ray
	$(BIN)/python -m pytest tests/api --cluster
	$(BIN)/python -m tests.cluster.soak

bench-ray: .venv/.ray
	$(BIN)/python -m tests.benchmarks.bench_ray

# Renders faces, trains on them, fits the temperature and writes the ONNX file: minutes on one core.
WEIGHTS := model_export/off_tanet_export/weights/off_tanet.safetensors
train: .venv/.test
	$(BIN)/off-tanet train --name off-tanet --version 1.0.0 --output $(WEIGHTS)
	$(BIN)/off-tanet export --checkpoint $(WEIGHTS) --output service/off_tanet/assets/off_tanet.onnx

# Lists what the image contains (CycloneDX, with licences) in build/sbom.json, from an environment of its own.
sbom: build/sbom/.locked
	build/sbom/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	    --output-file build/sbom.json build/sbom/service/bin/python

build/sbom/.locked: requirements/sbom.txt requirements/service.txt
	$(PYTHON) -m venv build/sbom/tools
	$(PYTHON) -m venv --without-pip build/sbom/service
	build/sbom/tools/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	build/sbom/tools/bin/python -m pip --python build/sbom/service/bin/python install --disable-pip-version-check \
	    --quiet --require-hashes -r requirements/service.txt
	touch $@

# The image, with the labels that only the one who builds it knows. BASE=python:3.11-slim-bookworm@sha256:...
# names the base by its digest, BUILDER="docker buildx" PLATFORMS=linux/amd64,linux/arm64 builds for both.
BUILDER ?= docker
image:
	$(BUILDER) build --tag off-tanet:$(IMAGE_VERSION) $(if $(PLATFORMS),--platform $(PLATFORMS)) \
	    $(if $(BASE),--build-arg BASE=$(BASE)) --build-arg VERSION=$(IMAGE_VERSION) --build-arg SOURCE=$(SOURCE) \
	    --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(git log -1 --format=%cI) $(IMAGE_OPTIONS) .
IMAGE_VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

# Builds the wheels of `off-tanet` and `off-tanet-client` in build/wheels, and uses them in clean
# environments of every Python on this machine.
wheels: .venv/.service build/wheel-tools/.locked
	rm -rf build/wheels
	PATH=$(CURDIR)/build/wheel-tools/bin:$$PATH PYTHON=$(CURDIR)/$(BIN)/python packaging/build.sh build/wheels
	packaging/check.sh build/wheels

build/wheel-tools/.locked: requirements/wheels.txt
	$(PYTHON) -m venv build/wheel-tools
	build/wheel-tools/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# Fuzzes the C++ code with the sanitizers: each build of the kernels of flow, motion and face that this
# processor can run, the damage check of coded pictures, and the parser of tensors in JSON.
FUZZ_BUILDS = $(shell $(BIN)/python -c "from off_tanet.recognition.flow import __path__, builds; \
              print(*builds.runnable(__path__))")
sanitize: .venv/.service
	$(BIN)/cmake -S service/off_tanet/recognition/flow -B build/sanitize -DCMAKE_BUILD_TYPE=Release \
	    -DFLOW_SANITIZE=ON -DFLOW_PROGRAM=$(CURDIR)/tests/recognition/flow/flow_fuzz.cpp
	$(BIN)/cmake --build build/sanitize --parallel 2
	set -e; for build in $(FUZZ_BUILDS); do build/sanitize/program_$$build; done
	$(BIN)/cmake -S service/off_tanet/recognition/media/entropy -B build/sanitize-entropy -DCMAKE_BUILD_TYPE=Release \
	    -DENTROPY_PROGRAM=$(CURDIR)/tests/recognition/media/entropy_fuzz.cpp
	$(BIN)/cmake --build build/sanitize-entropy --parallel 2
	build/sanitize-entropy/entropy_program
	$(BIN)/cmake -S service/off_tanet/recognition/motion/kernel -B build/sanitize-motion -DCMAKE_BUILD_TYPE=Release \
	    -DMOTION_PROGRAM=$(CURDIR)/tests/recognition/motion/motion_fuzz.cpp
	$(BIN)/cmake --build build/sanitize-motion --parallel 2
	set -e; for build in $(FUZZ_BUILDS); do build/sanitize-motion/motion_program_$$build; done
	$(BIN)/cmake -S service/off_tanet/recognition/face/kernel -B build/sanitize-face -DCMAKE_BUILD_TYPE=Release \
	    -DFACE_PROGRAM=$(CURDIR)/tests/recognition/face/face_fuzz.cpp
	$(BIN)/cmake --build build/sanitize-face --parallel 2
	set -e; for build in $(FUZZ_BUILDS); do build/sanitize-face/face_program_$$build; done
	$(BIN)/cmake -S service/off_tanet/schemas/json_tensors -B build/sanitize-lists -DCMAKE_BUILD_TYPE=Release \
	    -DLISTS_PROGRAM=$(CURDIR)/tests/api/lists_fuzz.cpp
	$(BIN)/cmake --build build/sanitize-lists --parallel 2
	build/sanitize-lists/lists_program

# Stamp files record what is installed; a step runs again only when its inputs change.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.locked: requirements/service.txt requirements/build.txt | .venv/bin/python
	$(PIP) --require-hashes -r requirements/service.txt -r requirements/build.txt
	touch $@

.venv/.service: .venv/.locked pyproject.toml $(KERNEL)
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.venv/.test: .venv/.service requirements/test.txt
	$(PIP) --require-hashes -r requirements/test.txt
	$(PIP) torch==2.13.0
	touch $@

.venv/.ray: .venv/.test requirements/ray.txt
	$(PIP) --require-hashes -r requirements/ray.txt
	touch $@

# Updates the lock files with hashes from pyproject.toml and requirements/*.in (needs `uv`).
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock:
	$(LOCK) pyproject.toml -o requirements/service.txt
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt
	$(LOCK) requirements/docs.in -o requirements/docs.txt
	$(LOCK) requirements/sbom.in -o requirements/sbom.txt
	$(LOCK) requirements/wheels.in -o requirements/wheels.txt
	$(LOCK) requirements/train.in -c requirements/service.txt -o requirements/train.txt
	$(LOCK) requirements/test.in -c requirements/service.txt -c requirements/train.txt -o requirements/test.txt
	$(LOCK) requirements/ray.in -c requirements/service.txt -c requirements/test.txt -o requirements/ray.txt

clean:
	rm -rf .venv .venv-newest build .pytest_cache .mypy_cache .ruff_cache
