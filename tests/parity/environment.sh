#!/usr/bin/env bash
# Prints the Python of an environment with the reference (package demucs on PyTorch), which it makes when there is none:
# in build/parity/venv, or where TOLL_PARITY_VENV says. Status 3 when the packages cannot be had. They are large: PyTorch
# for Linux brings the libraries of a graphics card that is not used here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv=${TOLL_PARITY_VENV:-$PWD/build/parity/venv}
python=$venv/bin/python
if ! "$python" -c 'import torch, demucs.htdemucs, demucs.apply, safetensors' >/dev/null 2>&1; then
  mkdir -p build/parity
  {
    python3 -m venv "$venv" &&
      "$venv/bin/pip" install -q --no-cache-dir --retries 1 --timeout 20 -r tests/parity/requirements.txt &&
      "$venv/bin/pip" install -q --no-cache-dir --retries 1 --timeout 20 --no-deps demucs==4.1.0 einops==0.8.2 julius==0.2.8 &&
      "$python" -c 'import torch, demucs.htdemucs, demucs.apply, safetensors'
  } >build/parity/pip.log 2>&1 || exit 3
fi
echo "$python"
