# The verbs of the project. Each makes .venv and installs what it needs on its first run, then works offline.
#   make VERB [ARGS="--options of the tool"]        make VERB ARGS=--help tells the options

PYTHON ?= python3
VENV := .venv
TOOLS := $(VENV)/bin/python -m tools
PIP := $(VENV)/bin/python -m pip --quiet --quiet --disable-pip-version-check
OFFLINE := echo "The first run of a verb needs the internet, or a package index of yours: run it again when it is there." >&2; exit 1
# In two terminals at once, as `make cloud` and `make sim` may be: one installs, the other waits for it.
ALONE := $(if $(shell command -v flock),flock Makefile)
ARGS ?=
EXAMPLES := $(patsubst examples/%/main.py,%,$(wildcard examples/*/main.py))
EXAMPLE_MAIN := $(if $(EXAMPLE),$(if $(filter $(EXAMPLE),$(EXAMPLES)),--main examples/$(EXAMPLE)/main.py,\
    $(error there is no example '$(EXAMPLE)': EXAMPLE= is one of $(EXAMPLES))))

.DEFAULT_GOAL := help
.PHONY: help demo test sim cloud phone configure release bench deps lint flash firmware monitor new fleet docs qualify soak clean

help: ## this list
	@echo "Usage: make VERB [ARGS=\"...\"]        make VERB ARGS=--help tells the options"
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } /^[a-z]+:.*## / { printf "  %-10s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ On the desk

demo: $(VENV)/base.installed ## a factory-new device becomes a working AWS IoT device, on this desk, in a minute
	@$(TOOLS) demo $(ARGS)

sim: $(VENV)/base.installed ## a simulated ESP32 with a console, left running; EXAMPLE=shadow runs an example
	@$(TOOLS) sim $(EXAMPLE_MAIN) $(ARGS)

cloud: $(VENV)/base.installed ## the local AWS IoT, left running
	@$(TOOLS) cloud $(ARGS)

phone: $(VENV)/base.installed ## the page that configures devices over Bluetooth, with a simulated device beside it
	@$(TOOLS) phone $(ARGS)

configure: $(VENV)/base.installed ## what that page does, from this terminal: a board near you; ARGS=--simulated for make phone's
	@$(TOOLS) configure $(ARGS)

##@ Your application on a board

new: $(VENV)/base.installed ## begin an application in a folder of its own: make new NAME=../my-lamp
	@$(TOOLS) new $(if $(NAME),"$(NAME)") $(ARGS)

flash: $(VENV)/board.installed ## put the firmware on a board: make flash PORT=/dev/ttyUSB0
	@$(TOOLS) flash $(if $(PORT),--port "$(PORT)") $(EXAMPLE_MAIN) $(ARGS)

monitor: $(VENV)/board.installed ## watch a board's console: make monitor PORT=/dev/ttyUSB0
	@$(TOOLS) monitor $(if $(PORT),--port "$(PORT)") $(ARGS)

firmware: $(VENV)/board.installed ## build an image with everything frozen in, for a board with two slots
	@$(TOOLS) firmware $(ARGS)

##@ With AWS

fleet: $(VENV)/base.installed ## template, claim certificate and policies in your AWS account, and a settings file
	@$(TOOLS) fleet $(ARGS)

release: $(VENV)/base.installed ## firmware updates: keys, signatures, jobs; make release ARGS="publish firmware.bin --thing NAME"
	@$(TOOLS) release $(ARGS)

##@ Development

test: $(VENV)/test.installed ## all tests; ARGS="tests/host -k word" for some
	@$(TOOLS) test $(ARGS)

lint: $(VENV)/lint.installed ## ruff, the import law, the firmware compiled for MicroPython 1.24; ARGS=--fix mends
	@$(TOOLS) lint $(ARGS)

bench: $(VENV)/bench.installed ## memory, speed and times, measured, as a table
	@$(TOOLS) bench $(ARGS)

qualify: $(VENV)/base.installed ## AWS IoT Device Advisor's cases against the simulated device, as a table
	@$(TOOLS) qualify $(ARGS)

soak: $(VENV)/base.installed ## simulated devices under random faults, proven from both ends; make soak MINUTES=10
	@$(TOOLS) soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

docs: $(VENV)/docs.installed ## the documentation as a site in build/docs; ARGS=--serve shows it
	@$(TOOLS) docs $(ARGS)

deps: $(VENV)/base.installed ## the real umqtt.simple and aioble by mip, into .deps/
	@$(TOOLS) deps $(ARGS)

clean: ## remove what the verbs made (.venv, .deps, simulated boards and clouds, caches)
	rm -rf $(VENV) .deps .board .cloud build .bluetooth .phone .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment itself; a file tells that it is whole, so that an interrupted attempt is made anew.
$(VENV)/made:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.10 or later is needed, and '$(PYTHON)' is not there." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "Python 3.10 or later is needed; this is $$($(PYTHON) --version). Choose another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) has no venv: on Debian and Ubuntu, apt install python3-venv." >&2; exit 1; }
	@$(ALONE) sh -c 'test ! -e $@ || exit 0; \
	    echo "Making $(VENV) with $$($(PYTHON) --version)" && $(PYTHON) -m venv --clear $(VENV) \
	    && { $(PIP) install --upgrade "pip>=25.1" || { $(OFFLINE); }; } && touch $@' # the first pip that knows --group

# One file per group of pyproject.toml: newer than it once the group is installed.
$(VENV)/%.installed: pyproject.toml | $(VENV)/made
	@$(ALONE) sh -c 'test ! $@ -nt $< || exit 0; \
	    echo "Installing what $* needs into $(VENV) (once; see pyproject.toml)" \
	    && { $(PIP) install --group $* || { $(OFFLINE); }; } && touch $@'
