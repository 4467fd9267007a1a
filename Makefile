# Two commands do everything on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
HOST   ?= 127.0.0.1
PORT   ?= 8000
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet
KERNEL := $(foreach part,CMakeLists.txt */*.cpp */*.h */CMakeLists.txt media/entropy/*.cpp media/entropy/*.h media/entropy/CMakeLists.txt,$(wildcard service/off_tanet/recognition/$(part)))

.PHONY: install serve test test-newest lint types audit sanitize docs bench-flow bench-face bench-face-models bench-serve bench-memory bench-clip bench-spotting bench-light bench-rates bench-batch bench-ray check-media soak test-ray soak-ray train lock clean

install: .venv/.service

serve: install
	$(BIN)/off-tanet serve --host $(HOST) --port $(PORT)

test: .venv/.test
	$(BIN)/python -m pytest

# What other Pythons bring: other releases of the decoders, and warnings, which are errors here. On the newest
# Python that can be had, or NEWEST_PYTHON; in an environment of its own, without PyTorch.
NEWEST_TESTS := $(foreach part,recognition/media/test_video recognition/media/test_clip_refusals recognition/media/test_clip_indexes \
                recognition/media/test_clip_views recognition/media/test_clip_shown \
                recognition/media/test_clip_damage recognition/media/test_codecs \
                recognition/media/test_images recognition/media/test_properties \
                recognition/media/test_containers recognition/media/test_damaged_images \
                recognition/media/test_tiff_images recognition/media/test_bitmaps recognition/media/test_png \
                cli/test_doctor cli/test_endings api/test_health api/test_predictions \
                api/test_videos api/test_bad_input,tests/$(part).py)
test-newest: .venv-newest/.test
	.venv-newest/bin/python -c "import sys, av; print('on Python', sys.version.split()[0], 'with PyAV', av.__version__)"
	.venv-newest/bin/python -m pytest $(NEWEST_TESTS)

.venv-newest/.test: requirements/service.txt requirements/build.txt requirements/test.txt pyproject.toml $(KERNEL) .ci/newest-venv
	.ci/newest-venv .venv-newest
	touch $@

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive service model_export

types: .venv/.test
	$(BIN)/mypy

# The documentation as a site, in an environment of its own; fails on a broken link.
docs: build/docs/.locked
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict --quiet

build/docs/.locked: requirements/docs.txt
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# Known vulnerabilities of what the locks name. Needs PyPI's advisories: fails where none can be asked.
LOCKED := $(foreach lock,service build test,--requirement requirements/$(lock).txt)
audit: .venv/.test build/audit/.locked
	$(BIN)/bandit --configfile pyproject.toml --recursive service model_export
	$(BIN)/python -m pip check
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(LOCKED)

build/audit/.locked: requirements/audit.txt
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

# Speed, as ratios against the field's reference in the same run; for a machine with nothing else to do.
bench-flow bench-face bench-face-models bench-serve bench-memory bench-clip bench-spotting bench-light bench-rates bench-batch: bench-%: .venv/.test
	$(BIN)/python -m tests.benchmarks.bench_$(subst -,_,$*)

# Other people's test pictures and clips, decoded here and by Pillow and FFmpeg: `make check-media FOLDER=...`.
check-media: .venv/.test
	$(BIN)/python -m tests.check_media $(FOLDER)

# What takes too long for every commit: fuzzing, bombs, killed workers, memory over many requests.
soak: .venv/.test
	$(BIN)/python -m tests.soak

# The service on a Ray cluster: tests that `make test` skips where Ray is not installed; the slow proofs,
# with the contract tests asked of a cluster; what Ray costs. The closing line of all tests is `make test`'s.
test-ray: .venv/.ray
	$(BIN)/python -m pytest -qq tests/cluster

soak-ray: .venv/.ray
	$(BIN)/python -m pytest tests/api --cluster
	$(BIN)/python -m tests.cluster.soak

bench-ray: .venv/.ray
	$(BIN)/python -m tests.benchmarks.bench_ray

# Draws faces, trains on them, fits the temperature and writes the graph: minutes on one core.
WEIGHTS := model_export/weights/off_tanet.safetensors
train: .venv/.test
	$(BIN)/off-tanet train --output $(WEIGHTS)
	$(BIN)/off-tanet export --checkpoint $(WEIGHTS) --output service/off_tanet/assets/off_tanet.onnx

# Fuzzes the C++ under the sanitizers: each build of the flow kernel that this processor can run, and
# what walks along coded pictures.
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

# The stamps say what the environment holds; each step runs again only when its own inputs change.
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

# Writes the hashed locks again from pyproject.toml and requirements/*.in (needs `uv`).
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock:
	$(LOCK) pyproject.toml -o requirements/service.txt
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt
	$(LOCK) requirements/docs.in -o requirements/docs.txt
	$(LOCK) requirements/train.in -c requirements/service.txt -o requirements/train.txt
	$(LOCK) requirements/test.in -c requirements/service.txt -c requirements/train.txt -o requirements/test.txt
	$(LOCK) requirements/ray.in -c requirements/service.txt -c requirements/test.txt -o requirements/ray.txt

clean:
	rm -rf .venv .venv-newest build .pytest_cache .mypy_cache .ruff_cache
