# Two commands: `make demo` and `make test`. Everything they need is installed into .venv.
PYTHON ?= python3
DATASET ?= ml-100k
DATA ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-all proof lint install lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo                                 the whole path on ML-100K: data, features, model, service, answer"
	@echo "make demo DATASET=kuairand DATA=FOLDER    the same on a KuaiRand download"
	@echo "make test                                 lint and all tests but the slow ones"
	@echo "make proof                                the proofs in full: served equals trained, and every event counts once"
	@echo "make install                              only installs into .venv"
	@echo "make clean                                removes .venv and .streamrank"

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"streamrank needs Python 3.11 or newer, found {v.major}.{v.minor}: set PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@printf '#!%s\nfrom cli.main import main\n\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/streamrank && chmod +x $(BIN)/streamrank
	@echo 'import sys, streamrank.environment; streamrank.environment.prepare(); [sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "streamrank"]' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/streamrank_environment.pth"
	@touch $(STAMP)

demo: install
	@$(BIN)/streamrank demo --dataset $(DATASET) $(if $(DATA),--path $(DATA))

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

test: lint
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-all: lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile

# The short forms of these are among `make test`. KUAIRAND names a KuaiRand download; without one, data are simulated.
proof: install
	@PROOF=full $(BIN)/python -m pytest tests/proof -n 2 --dist loadfile

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-header --no-annotate --upgrade -o requirements.lock

clean:
	@test ! -x $(BIN)/streamrank || $(BIN)/streamrank down
	rm -rf $(VENV) .streamrank
