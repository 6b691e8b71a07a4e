# Everything a newcomer types. The work is CMake's (presets in CMakePresets.json) and tests/run's.
#
# Debian packages are listed here and nowhere else. A target installs what it lacks when it runs as
# root, and otherwise prints the line to type.

BUILD_PACKAGES := ca-certificates cmake g++ gcc libc6-dev libcmocka-dev libcurl4-openssl-dev \
	libdeflate-dev libfyaml-dev libgrpc-dev libisal-dev libjansson-dev libjemalloc-dev \
	libmicrohttpd-dev libpcre2-dev libprotobuf-c-dev libsqlite3-dev libssl-dev libxxhash-dev libzstd-dev \
	ninja-build pkgconf protobuf-c-compiler uthash-dev
TEST_PACKAGES := $(BUILD_PACKAGES) clang libclang-rt-14-dev llvm openssl
CHECK_PACKAGES := $(BUILD_PACKAGES) clang-format clang-tidy cppcheck git
INTEROP_PACKAGES := $(BUILD_PACKAGES) openssl prometheus

# Node (18 or newer) runs the end-to-end tests, Python the benchmarks; wherever they came from.
NODE_PACKAGES := $(if $(and $(shell command -v node),$(shell command -v npm)),,nodejs npm)
PYTHON_PACKAGES := $(if $(shell command -v python3),,python3 python3-venv)

PREFIX ?= /usr/local
ARGS ?=

.PHONY: build run test check interop bench install clean

build:
	@$(call need,$(BUILD_PACKAGES))
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build --preset release --target tailspan

run: build
	build/release/tailspan $(ARGS)

test:
	@$(call need,$(TEST_PACKAGES) $(NODE_PACKAGES))
	tests/run

check:
	@$(call need,$(CHECK_PACKAGES))
	tests/check

interop: build
	@$(call need,$(INTEROP_PACKAGES) $(NODE_PACKAGES) $(PYTHON_PACKAGES))
	tests/interop/run

bench: build
	@$(call need,$(PYTHON_PACKAGES))
	cmake --build --preset release --target bench

install: build
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build tests/e2e/js/node_modules

# $(call need,PACKAGES): silent when all are there.
define need
missing=$$(for p in $(1); do \
	dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || printf ' %s' $$p; \
done); \
if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" = 0 ]; then \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -q && apt-get install -y -q --no-install-recommends $$missing; \
	else \
		echo "Missing Debian packages. As root: apt-get install --no-install-recommends$$missing" >&2; \
		exit 1; \
	fi; \
fi
endef
