# Every target works on a fresh machine with Python ≥ 3.11 and Rust; nothing is rebuilt unless its sources changed.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MATURIN := maturin>=1.14,<2
RUST := $(shell find rust -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock
# The extension module leaves libpython's symbols to the interpreter that loads it, so a Rust test binary of it would
# not link: pytest tests that crate.
CRATES := --workspace --exclude llmsweep-py
STUBTEST := $(BIN)/python -m mypy.stubtest llmsweep._core --allowlist tests/policy/stubtest-allowlist.txt

$(BIN)/maturin:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or later is needed; name one with make PYTHON=…' >&2; exit 1; }
	@command -v cargo >/dev/null || { echo 'Rust is needed: cargo is not on the PATH' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(MATURIN)'

# Python sources are linked, not copied: only Rust sources and the project file ask for a new build.
$(VENV)/.built: $(BIN)/maturin $(RUST) pyproject.toml
	unset CONDA_PREFIX; VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet
	touch $@

$(VENV)/.dev: $(VENV)/.built pyproject.toml
	unset CONDA_PREFIX; VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet --extras test,dev
	touch $(VENV)/.built $@

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: $(VENV)/.built ## Build the wheel's contents into .venv

.PHONY: run
run: $(VENV)/.built ## Evaluate one training and one inference sweep and print both fronts
	mkdir -p out
	$(BIN)/llmsweep run sweeps/train-llama3.1-405b.toml -o out/train.parquet
	@echo
	$(BIN)/llmsweep run sweeps/serve-llama3-70b.toml -o out/serve.parquet

.PHONY: test
test: $(VENV)/.dev ## Run all tests
	cargo test --locked --quiet $(CRATES)
	$(BIN)/python -m pytest

.PHONY: lint
lint: $(VENV)/.dev ## Check format, lints, types and the stub of the core
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(STUBTEST)

$(VENV)/.bench: $(VENV)/.built pyproject.toml
	unset CONDA_PREFIX; VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --quiet --extras bench
	touch $@

.PHONY: bench
bench: $(VENV)/.bench ## Measure sweeps, hand-over, start-up and fronts beside other packages', then the Rust benchmarks
	$(BIN)/python tests/bench/bench.py
	$(BIN)/python tests/bench/pareto.py
	cargo bench --locked $(CRATES)

.PHONY: bench-smoke
bench-smoke: $(VENV)/.built ## Run the benchmark once at small size
	$(BIN)/python tests/bench/bench.py --smoke
	$(BIN)/python tests/bench/pareto.py --smoke

.PHONY: instructions
instructions: ## Count the instructions of the hot paths and compare them with those checked in
	$(PYTHON) tools/count_instructions.py

.PHONY: docs
docs: $(VENV)/.dev ## Write the generated pages and the README's output anew
	$(BIN)/python tools/generate_docs.py

.PHONY: accuracy
accuracy: $(VENV)/.built ## Learn the intervals from files of measurements, FILES=…, and write docs/accuracy.md and the README's scoreboard
	$(BIN)/python tools/write_accuracy.py $(FILES)

.PHONY: kernels
kernels: $(VENV)/.dev ## Fit the shipped laws of kernels to a folder of timings, OPS=…, and write docs/kernels.md
	$(BIN)/python tools/write_kernels.py $(OPS)

.PHONY: wheel
wheel: $(BIN)/maturin ## Build wheel and sdist into dist/; the wheel is built from the sdist
	rm -rf dist
	$(BIN)/maturin build --release --sdist --out dist
	$(BIN)/python tools/check_wheel.py

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf $(VENV) target dist out
