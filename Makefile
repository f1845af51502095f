# Everything is one command; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up dev down clean status logs test check load simulate bench verify

# The project brings its own Node (node_modules/.bin/node); npm only installs it.
TRIBUTARY := node_modules/.bin/node packages/tributary/tributary.ts
# A variable as the shell is to take it: one word, whatever is in it.
quoted = $(subst ','\'',$(1))

help: ## what can be made
	@echo "tributary: many databases flow into one place where people can ask questions"; echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done
	@echo; echo "Settings: .env (see .env.example). Everything else: npx --no tributary --help"

# Installed anew when the lock file is newer than what is there.
node_modules/.package-lock.json: package-lock.json
	@command -v npm > /dev/null || { echo 'npm is missing: install Node.js 20 or newer (https://nodejs.org)'; exit 1; }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

up: node_modules/.package-lock.json ## start everything that is not running, return when all is ready
	@$(TRIBUTARY) up

dev: node_modules/.package-lock.json ## the same, and stay: what you save runs, faults and logs are shown
	@$(TRIBUTARY) dev

down: node_modules/.package-lock.json ## stop everything, keep the data
	@$(TRIBUTARY) down

clean: node_modules/.package-lock.json ## stop everything and delete its data
	@$(TRIBUTARY) clean

status: node_modules/.package-lock.json ## what runs, where, and whether it is well
	@$(TRIBUTARY) status

logs: node_modules/.package-lock.json ## what the processes say (NAME=orders for one), until Ctrl-C
	@$(TRIBUTARY) logs $(if $(NAME),'$(call quoted,$(NAME))') --follow

test: node_modules/.package-lock.json ## every check and test, on real servers in a scratch folder
	@bash tests/install-python.sh
	@node_modules/.bin/node tests/run.ts

check: node_modules/.package-lock.json ## lint, types, generated files; no server
	@npm run --silent check

load: node_modules/.package-lock.json ## play the marketplace's CSV files: DATA=folder [LIMIT=orders] [RATE=orders/s]
	@test -n '$(call quoted,$(DATA))' || { echo 'say where the CSV files are: make load DATA=<folder> [LIMIT=5000] [RATE=50]'; exit 1; }
	@$(TRIBUTARY) load $(if $(LIMIT),--limit '$(call quoted,$(LIMIT))') $(if $(RATE),--rate '$(call quoted,$(RATE))') -- '$(call quoted,$(DATA))'

simulate: node_modules/.package-lock.json ## play a made-up marketplace: [ORDERS=2000] [SEED=1] [RATE=orders/s]
	@$(TRIBUTARY) simulate --orders '$(call quoted,$(or $(ORDERS),2000))' $(if $(SEED),--seed '$(call quoted,$(SEED))') $(if $(RATE),--rate '$(call quoted,$(RATE))')

bench: node_modules/.package-lock.json ## measure: from commit to search, backlog
	@npm run --silent bench

verify: node_modules/.package-lock.json ## compare every document with SQL over the six databases
	@$(TRIBUTARY) verify
