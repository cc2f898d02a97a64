# The two commands a newcomer needs: `make demo` and `make test`. Each makes .venv when it is not there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
NATIVE := CMakeLists.txt pyproject.toml $(wildcard kernels/*.cpp kernels/*.hpp)

.PHONY: demo test lint bench clean

demo: $(VENV)/.installed
	$(BIN)/xnorflow demo $(if $(DATA),--data $(DATA))

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto --dist loadfile

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/cpu_smoke.py --images 2000 --rounds 3
	$(BIN)/python benchmarks/random_networks_rtl.py --networks 10 --output out/random-networks-rtl.json
	$(BIN)/python benchmarks/training.py --width 0.25 --batch 16

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.locked: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python {sys.version.split()[0]} is too old; xnorflow needs 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	$(BIN)/python -m pip check
	touch $@

$(VENV)/.installed: $(VENV)/.locked $(NATIVE)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache sim_build
