# The commands of a developer and of CI. `make` alone lists them.
PYTHON ?= python3
UNITS ?=
WORKERS ?= 3
SEED ?= 1
MODULES ?= 8
CHARM = docker-registry.charm
SOURCES = lib reactive actions hooks tools tests localjuju interfaces

# The tests start localjuju a thousand times: compiled modules save a fourth of each start.
unexport PYTHONDONTWRITEBYTECODE

# The unit tests write thousands of small files with fsync: a file system in memory saves a sixth of their time.
IN_MEMORY = $(if $(wildcard /dev/shm/.),TMPDIR=/dev/shm)

.DEFAULT_GOAL := help
.PHONY: help run test build lock format reference docs lint unit coverage integration soak faults bench check-charm audit mutation clean .venv

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: .venv ## Deploy the charm on this machine, push an image and pull it back
	@.venv/bin/python tools/run.py $(UNITS)

test: ## Everything CI runs, stopping at the first failure: lint, build, check-charm, unit, integration
	@begin=$$(date +%s); report=; \
	for stage in lint build check-charm unit integration; do \
		echo "=== $$stage"; start=$$(date +%s); \
		$(MAKE) --no-print-directory $$stage || exit 1; \
		report="$$report, $$stage $$(($$(date +%s) - start)) s"; \
	done; \
	echo "=== all passed in $$(($$(date +%s) - begin)) s$$report"

build: .venv ## Build docker-registry.charm
	@.venv/bin/python tools/build.py $(CHARM)

format: .venv reference ## Format the code, write charmcraft.yaml and docs/reference anew
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .
	@.venv/bin/python tools/charmcraft.py

reference: .venv ## Write the generated pages of docs/reference anew
	@PYTHONPATH=lib .venv/bin/python tools/reference.py

docs: reference ## The documentation as a website in site/, with docs/reference anew
	@$(PYTHON) tools/environment.py .venv-docs requirements-docs.lock
	@.venv-docs/bin/python tools/website.py .cache/pages site

lint: .venv ## Style, format, types and spelling
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@.venv/bin/mypy
	@.venv/bin/codespell

unit: .venv ## The tests that need no Docker; ARGS are passed to pytest
	@$(IN_MEMORY) .venv/bin/python -m pytest tests/unit -n auto --dist worksteal -m "not soak" --ignore tests/unit/test_build.py \
		$(ARGS)

coverage: .venv ## Unit tests with the branch coverage of lib/registry, which must be above 95 %
	@$(IN_MEMORY) .venv/bin/python -m pytest tests/unit -q -n auto --dist worksteal -m "not soak" --cov=lib/registry --cov-branch \
		--cov-report=json:.cache/coverage.json $(ARGS)
	@.venv/bin/python tools/coverage_floor.py .cache/coverage.json

integration: build ## The built charm on machines made for it; ARGS as above, JUJU=/snap/bin/juju takes a real controller
	@$(PYTHON) tools/host.py
	@JUJU="$(JUJU)" .venv/bin/python -m pytest tests/integration -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		-m "not soak" $(ARGS)

soak: build ## What takes too long for `make test`, 40 minutes at most: many kills, many random configurations
	@$(PYTHON) tools/host.py
	@$(IN_MEMORY) .venv/bin/python -m pytest tests/unit -n 2 -m soak $(ARGS)
	@JUJU="$(JUJU)" timeout --signal=INT 40m .venv/bin/python -m pytest tests/integration -n 2 --dist loadfile \
		-m soak $(ARGS)
	@timeout --signal=INT 10m .venv/bin/python -m pytest tests/faults/test_flapping.py --operations 10

faults: build ## What is done to a unit, what follows, how long nobody was served and what was lost, as a table
	@$(PYTHON) tools/host.py
	@timeout --signal=INT 40m .venv/bin/python -m pytest tests/faults -n 2 --dist loadfile --no-loadscope-reorder \
		$(ARGS)

bench: build ## What the charm costs, in figures beside yardsticks and those kept before; KEEP=1 keeps them, 15 minutes
	@$(PYTHON) tools/host.py
	@.venv/bin/python -m pytest tests/benchmarks -n 0 -q -m "not soak" $(if $(KEEP),--keep) $(ARGS)

check-charm: build ## charm-proof, charmcraft analyse and charmlint on the built charm, and the tests of the build
	@.venv/bin/python tools/check.py $(CHARM)
	@$(IN_MEMORY) .venv/bin/python -m pytest tests/unit/test_build.py -n auto --dist worksteal

mutation: ## Faults that the unit tests of a sample of the pure modules notice: SEED, MODULES
	@$(PYTHON) tools/environment.py .venv-mutation requirements-mutation.lock
	@$(IN_MEMORY) .venv-mutation/bin/python tools/mutation.py $(SEED) $(MODULES)

audit: .venv ## Known vulnerabilities of the locked packages, by PyPI
	@.venv/bin/python tools/audit.py

lock: ## Resolve requirements*.in anew into requirements*.lock
	@$(PYTHON) tools/lock.py

clean: ## Remove what these commands made in this folder
	rm -rf .venv* .cache site $(CHARM) .pytest_cache .mypy_cache .ruff_cache

.venv:
	@$(PYTHON) tools/environment.py .venv requirements-dev.lock
