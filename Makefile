# The front door. Each target sets up what it needs; `make` alone lists them.
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Tests side by side, each process with an engine of about 400 MB. Three on two processors: a third of the time they wait.
# Their files lie in memory where the system has such a place: what they wait for is mostly the disk.
FILES := $(shell test -w /dev/shm && echo --basetemp=/dev/shm/footfall-tests)
PYTEST := $(BIN)/python -m pytest -q --durations=10 -n 3 $(FILES)

.PHONY: help demo check test test-server tracker routers soak siege lint bench docs lists system clean

help:
	@echo "make demo    try Footfall with a fictional shop's log, live events and reports (under a minute)"
	@echo "make check   quick checks: ruff, mypy, and the tests that do not start processes (under two minutes)"
	@echo "make test    the whole test suite, including the tracker (about seventeen minutes on two cores)"
	@echo "make test-server what asks ClickHouse, against the empty server at FOOTFALL_TEST_URL"
	@echo "make tracker only the browser script: build check, unit tests, browser tests (about two and a half minutes)"
	@echo "make routers the browser script in applications with React Router, Vue Router, SvelteKit, Turbo and htmx"
	@echo "make soak    endurance tests: 1,500 kill -9, minutes without the engine (about an hour)"
	@echo "make siege   all known attacks during honest traffic, for ten minutes (FOOTFALL_SIEGE_SECONDS sets the time)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   benchmark collector and loader against their baselines"
	@echo "make docs    generate docs/cli.md and docs/configuration.md from the code"
	@echo "make lists   update the lists of sources and referrer spam from their origins"
	@echo "make clean   remove the environment and the demo's data"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Footfall needs Python 3.11 or newer; none found as python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "cannot create a virtual environment; is python3-venv installed?"; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing Footfall into $(VENV) (downloads a few hundred MB the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "installing the test dependencies"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/python -m bench.demo

# Browser tests need Chromium, those of deploy/ nginx, Caddy and promtool, one of a cluster a ZooKeeper. As root with apt
# they are installed; otherwise those tests say that they were skipped.
system:
	@if ! command -v chromium >/dev/null 2>&1 && [ -z "$$FOOTFALL_TEST_CHROMIUM" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "installing chromium for the tracker's tests"; \
			apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null \
				|| echo "chromium could not be installed; the tracker's browser tests will be skipped"; \
		else echo "chromium was not found; the tracker's browser tests will be skipped (apt install chromium)"; fi; fi
	@if ! { command -v nginx && command -v caddy && test -e /usr/share/java/zookeeper.jar && command -v promtool; } >/dev/null 2>&1 \
		&& [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "installing nginx, caddy, promtool and zookeeper for the tests of deploy/ and of a cluster"; \
		apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			nginx-light caddy prometheus zookeeper default-jre-headless >/dev/null \
			|| echo "they could not be installed; their tests will be skipped"; fi

# The oldest supported ClickHouse, as an older chDB next to the environment's own. The tests use it in place of a server.
$(VENV)/chdb-25.8: | $(BIN)/python
	@echo "installing ClickHouse 25.8 (in place of a server)"
	@rm -rf $@.part && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@.part chdb==3.7.2
	@mv $@.part $@

check: $(VENV)/.dev
	@$(BIN)/python -m ruff check -q . && $(BIN)/python -m ruff format -q --check . && $(BIN)/python -m mypy
	@$(PYTEST) -m "not process and not hostile and not soak and not siege"; status=$$?; rm -rf /dev/shm/footfall-tests; exit $$status

test: $(VENV)/.dev $(VENV)/chdb-25.8 system tracker
	@$(PYTEST); status=$$?; rm -rf /dev/shm/footfall-tests; exit $$status

# One after the other: they share the server.
test-server: $(VENV)/.dev
	@test -n "$$FOOTFALL_TEST_URL" || { echo "set FOOTFALL_TEST_URL, such as http://user:password@127.0.0.1:8123"; exit 2; }
	@$(BIN)/python -m pytest -q --durations=10 $(FILES) -m "server and not soak and not siege"

# The tracker's own checks need Node and npm. Its built files are committed, so nothing else needs them.
tracker: $(VENV)/.dev system
	@if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory tracker/node_modules/.installed && cd tracker && \
		npm run --silent check && npm test --silent && FOOTFALL_TEST_PYTHON="$(CURDIR)/$(BIN)/python" npm run --silent test:browser; \
	else echo "node and npm were not found (Node 20 or newer); the tracker's checks and tests were not run"; fi

# The tracker on applications of other people's routers, which are built here.
routers: tracker/node_modules/.installed tracker/routers/node_modules/.installed system
	@cd tracker && FOOTFALL_TEST_PYTHON="$(CURDIR)/$(BIN)/python" npm run --silent test:routers

tracker/routers/node_modules/.installed: tracker/routers/package-lock.json
	@echo "installing the routers"
	@cd tracker/routers && npm ci --silent
	@touch $@

tracker/node_modules/.installed: tracker/package-lock.json
	@echo "installing the tracker's build and test dependencies"
	@cd tracker && npm ci --silent
	@touch $@

soak: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -m soak -s

siege: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -m siege -s tests/collector/test_siege.py

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.dev
	@$(BIN)/python -m bench.collector
	@$(BIN)/python -m bench.loader

docs: $(VENV)/.dev
	@$(BIN)/python -m cli.reference > docs/cli.md
	@$(BIN)/python -m cli.config.explain > docs/configuration.md

lists: $(VENV)/.dev
	@$(BIN)/python -m bench.lists

clean:
	rm -rf $(VENV) .demo tracker/node_modules tracker/routers/node_modules
