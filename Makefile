# Commands of the book. Each makes what it needs first: `.venv`, and in it the packages.
#   TORCH=cpu          PyTorch without GPU libraries: a small download (remembered afterwards)
#   TORCH_INDEX=URL    where that PyTorch comes from, if not from download.pytorch.org
#   ARGS=OPTIONS       what JupyterLab is told besides, as in `make lab ARGS=--port=9000`
#   PYTHON=PATH        the Python to make the environment with, instead of the first that suits
TORCH ?=
PYTHON ?=
ARGS ?=
export TORCH_INDEX
# PyTorch's threads sleep while they wait: spinning, they slow a busy machine down tenfold.
export OMP_WAIT_POLICY ?= passive

# Run one after the other, also under `make -j`: they share `.venv` and `_build`.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help environment book fresh linkcheck test test-notebooks test-colab test-browser serve lab \
	notebooks experiments types lint clean

# Relative, so that a path with spaces is no trouble.
RUN := .venv/bin/python

help: ## show this list
	@echo "make COMMAND, with one of:"
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS='	' read -r name text; do \
		printf '  %-14s %s\n' "$$name" "$$text"; done
	@sed -n 's/^#  //p' Makefile

environment: ## make .venv and install into it (every other command does, when needed)
	@python=$$(command -v python3 || command -v python || command -v "$(PYTHON)") || { \
		echo "error: no Python found. Install Python 3.11 to 3.13, then run this again." >&2; \
		exit 1; }; \
	"$$python" tools/environment.py --python "$(PYTHON)" --torch "$(TORCH)"

book: environment ## run the chapters that need it and build the pages, strictly
	@$(RUN) tools/book.py

fresh: environment ## the same, running every chapter again
	@$(RUN) tools/book.py --fresh

linkcheck: environment ## check every link to another site (needs the internet)
	@$(RUN) tools/book.py --linkcheck

test: environment ## run every test but those of exported notebooks and of built pages
	@OMP_NUM_THREADS=1 $(RUN) -m pytest -m "not browser and not notebooks" \
		--numprocesses auto --dist loadfile

test-notebooks: environment ## run every chapter as an exported notebook (minutes)
	@$(RUN) -m pytest -m notebooks

test-colab: environment ## the same, with the versions that Colab has (.github/colab.txt)
	@$(RUN) -m venv --clear _build/colab
	@_build/colab/bin/python -m pip install --quiet --disable-pip-version-check \
		$(if $(filter cpu,$(TORCH)),--extra-index-url https://download.pytorch.org/whl/cpu) \
		-r .github/colab.txt
	@COURSE_PYTHON="$(CURDIR)/_build/colab/bin/python" $(RUN) -m pytest -m notebooks

test-browser: book ## build the book and test its pages in Chromium
	@$(RUN) -m pytest -m browser

serve: book ## build the book and show it in a local web server
	@$(RUN) tools/serve.py

lab: notebooks ## open the chapters as notebooks in JupyterLab, in your own folder `work`
	@$(RUN) tools/lab.py $(ARGS)

notebooks: environment ## export the chapters as notebooks, into _build/notebooks
	@$(RUN) tools/notebooks.py --out _build/notebooks

experiments: environment ## run what is missing of the stored experiments (about three hours of one core from nothing)
	@$(RUN) experiments/run.py --all

types: environment ## check that the types of `utils` get no worse
	@$(RUN) tools/lint_types.py

lint: types ## check the style of code and text, and the types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m codespell_lib
	@$(RUN) tools/lint_numbers.py
	@$(RUN) tools/exercises.py --check

clean: ## remove everything that was built (`rm -r .venv` removes the environment)
	rm -rf _build build dist .pytest_cache .ruff_cache .mypy_cache *.egg-info tools/installed/*.egg-info
