#!/usr/bin/env bash
# Renews every lock from pyproject.toml and the .in files: pinned versions and hashes, no addresses.
# Needs `uv` on PATH (pip install uv). Give --upgrade to move to the newest allowed versions.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 "$@")
"${compile[@]}" pyproject.toml --extra speech --extra dev --output-file requirements-dev.lock
"${compile[@]}" pyproject.toml --extra speech --constraint requirements-dev.lock --output-file requirements-speech.lock
"${compile[@]}" pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock
for kind in media models servers tools; do
  "${compile[@]}" --no-deps "requirements-$kind.in" --output-file "requirements-$kind.lock"
done
