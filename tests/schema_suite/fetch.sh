#!/usr/bin/env bash
# Puts the official test suite of JSON Schema into a build folder, for schema_tests: out of the source package of PyPI's
# jsonschema, which carries it. Usage: fetch.sh [BUILD_FOLDER]
set -euo pipefail
build=$(realpath "${1:-build/release}")
digest=$(cat "$(dirname "$0")/sha256")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" download -q --no-deps --no-binary jsonschema -d "$work" jsonschema==4.17.3
echo "$digest  $work/jsonschema-4.17.3.tar.gz" | sha256sum --check --quiet
mkdir -p "$build/schema_suite"
tar -xzf "$work/jsonschema-4.17.3.tar.gz" -C "$build/schema_suite" --strip-components=2 jsonschema-4.17.3/json/tests jsonschema-4.17.3/json/LICENSE
echo "$build/schema_suite"
