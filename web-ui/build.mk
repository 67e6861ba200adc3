# The admin page: built when its sources changed, its packages installed when the lock changed.
WEB_UI_SOURCES := $(shell find web-ui/src web-ui/public -type f -not -name '*.test.ts') $(addprefix web-ui/,index.html package.json svelte.config.js tsconfig.json vite.config.ts)
WEB_UI_STAMP := web-ui/node_modules/.tandem
# What the built page was made from; time stamps say nothing after a checkout.
WEB_UI_HASH = cat web-ui/package-lock.json $(sort $(WEB_UI_SOURCES)) | sha256sum | cut -c1-64

.PHONY: web-ui web-ui-packages web-ui-check
web-ui:
	@hash=$$($(WEB_UI_HASH)); \
	if [ "$$hash" = "$$(cat web-ui/node_modules/.tandem-built 2>/dev/null)" ] && [ -f web-ui/dist/index.html ]; then exit 0; fi; \
	$(MAKE) --no-print-directory web-ui-packages && cd web-ui && npm run --silent build -- --logLevel warn && echo $$hash > node_modules/.tandem-built

web-ui-packages:
	@command -v npm >/dev/null || { echo "the admin page needs Node.js 18 or later with npm: apt-get install nodejs npm" >&2; exit 1; }
	@hash=$$(sha256sum < web-ui/package-lock.json | cut -c1-64); \
	if [ "$$hash" != "$$(cat $(WEB_UI_STAMP) 2>/dev/null)" ]; then \
		echo "web-ui: installing packages" && cd web-ui && npm ci --silent --no-audit --no-fund && echo $$hash > node_modules/.tandem; \
	fi

# Types, and the unit tests.
web-ui-check: web-ui-packages
	cd web-ui && npm run --silent check && npm test --silent

# What tests/box/web/page.mjs needs beside chromium.
.PHONY: page-test-packages
page-test-packages:
	@hash=$$(sha256sum < tests/box/web/package-lock.json | cut -c1-64); \
	if [ "$$hash" != "$$(cat tests/box/web/node_modules/.tandem 2>/dev/null)" ]; then \
		cd tests/box/web && npm ci --silent --no-audit --no-fund && echo $$hash > node_modules/.tandem; \
	fi
