#!/usr/bin/env bash
# The Debian packages of the project, each with its reason, in sets. docs/dependencies.md says more.
#
#   scripts/packages.sh list SET...       names, one a line
#   scripts/packages.sh missing SET...    those that are not installed
#   scripts/packages.sh install SET...    installs what is missing (as root or with sudo)
#
# Sets: build (./run), test (./test), all (./test --all), bench (tests/bench), sample (to make sample/ anew).
set -euo pipefail
# shellcheck source=scripts/terminal.sh
source "$(dirname "${BASH_SOURCE[0]}")/terminal.sh"

package_table() {
  cat <<'TABLE'
build  g++                   the compiler: C++20 with coroutines
build  cmake                 describes the build
build  ninja-build           runs the build
build  ccache                makes the second build quick
build  mold                  links in a second
build  pkg-config            finds the C libraries
build  ca-certificates       certificates of the package registries and of services we call
build  curl                  how ./run asks the server whether it is ready
build  libboost1.81-dev      Asio and Beast (network), PFR (members of structs)
build  libboost-json1.81-dev JSON
build  libssl-dev            TLS, SHA-256, HMAC
build  libsodium-dev         Argon2id password hashes
build  libhiredis-dev        Redis: rate limits that several servers share
build  libcurl4-openssl-dev  S3 servers and hubs of models
build  libsqlite3-dev        the database of one machine
build  libpq-dev             PostgreSQL
build  libspdlog-dev         the log
build  libfmt-dev            text formatting
build  libcli11-dev          the command line
build  libtomlplusplus-dev   the configuration file
build  prometheus-cpp-dev    /metrics
build  libdeflate-dev        CRC-32
build  zlib1g-dev            gzip
build  libavformat-dev       FFmpeg: containers
build  libavcodec-dev        FFmpeg: codecs
build  libavutil-dev         FFmpeg: frames
build  libswresample-dev     FFmpeg: sample rates and layouts
build  libswscale-dev        FFmpeg: pixel formats of pictures
build  libfftw3-dev          Fourier transforms of the separation
build  libseccomp-dev        the sandbox of decoders
build  libutf8proc-dev      words without case and accents, for search
build  libre2-dev            regular expressions of users, in linear time
build  libxml2-dev           office files and HTML, in the sandbox
build  libzip-dev            office files, in the sandbox
build  libtesseract-dev      text out of pictures, in the sandbox
build  libleptonica-dev      the pictures themselves
build  tesseract-ocr-eng     Tesseract's data for English
build  poppler-utils         text out of PDF, as processes of their own
test   libgtest-dev          unit tests
test   libgmock-dev          matchers of the unit tests
test   python3               the system's Python for the functional tests
test   python3-pytest        functional tests
test   python3-requests      the HTTP client of the documented example
test   python3-venv          environments for what comes from PyPI: the official inference client
test   postgresql            a private cluster for the tests
test   postgresql-client     looks into that cluster
test   redis-server          a private one for the tests of shared rate limits
test   swift-proxy           a real S3 server that checks signatures: its front (s3api),
test   swift-account         its accounts,
test   swift-container       its buckets,
test   swift-object          its objects
test   python3-boto3         signs URLs for our store, and judges the ones we sign
test   awscli                the same
test   rclone                fetches the URLs we sign
test   ffmpeg                encodes media for the tests, and judges ours
test   sox                   a second opinion on audio files
test   jq                    reads answers in the registry's Quick Start
test   unzip                 judges our archives
test   libfaketime           lets days pass in the tests of retention and expiry
test   openssl               certificates for the TLS tests
all    clang                 libFuzzer
all    libclang-rt-14-dev    libFuzzer's and the sanitizers' runtime for clang
all    clang-format          the layout of the sources
all    clang-tidy            the linter
bench  nginx                 the peer of uploads and requests
bench  wrk                   the load
bench  libnginx-mod-http-lua a peer of the gate: nginx with Lua
bench  haproxy               a peer of the gate: stick tables
bench  python3-fastapi       a peer of the gate, on uvicorn
bench  python3-uvicorn       its server
bench  python3-uvloop        makes it quick
bench  python3-httptools     makes it quick
sample fluidsynth            renders the notes of the sample song
sample fluid-soundfont-gm    its instruments
sample espeak-ng             its voice
TABLE
}

packages_of() {
  local set
  for set in "$@"; do package_table | awk -v set="$set" '$1 == set {print $2}'; done
}

reason_of() { package_table | awk -v name="$1" '$2 == name {$1 = $2 = ""; sub(/^ +/, ""); print; exit}'; }

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

# npm: from Debian unless some other Node.js brought one.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do is_installed "$package" || echo "$package"; done
  if [[ " $* " == *" build "* ]] && ! command -v npm >/dev/null; then echo npm; fi
}

# Every package is known to apt: otherwise its lists are absent or old.
all_known() {
  local package
  for package in "$@"; do apt-cache show "$package" >/dev/null 2>&1 || return 1; done
}

# explain_failure and apt_progress read apt's English. sudo takes the proxies away unless they are named.
as_root() {
  local name settings=(LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
  for name in http_proxy https_proxy no_proxy; do
    if [[ -n ${!name:-} ]]; then settings+=("$name=${!name}"); fi
  done
  if [[ $EUID -eq 0 ]]; then
    env "${settings[@]}" "$@"
  else
    sudo env "${settings[@]}" "$@"
  fi
}

apt_install() { as_root apt-get install -y -q --no-install-recommends --no-remove -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }

# How far apt-get is, from its output.
apt_progress() {
  awk '/ newly installed/ {all = $3} /^Need to get/ {size = $4 " " $5} /^Get:/ {got++} /^Unpacking/ {unpacked++} /^Setting up/ {done++}
       END {if (!all) print "reading the package lists"
            else if (done) print "set up " done " of " all
            else if (unpacked) print "unpacked " unpacked " of " all
            else print "fetching " all " packages (with what they need): " got + 0 " begun, " size}' "$1"
}

explain_failure() {
  local log="$1"
  echo "Installing the packages failed. The end of $log:" >&2
  tail -n 8 "$log" | sed 's/^/  /' >&2
  if grep -qE 'libboost[a-z-]*1\.[0-9]+-dev|Packages need to be removed' "$log"; then
    local others
    others=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libboost*-dev' 2>/dev/null | awk '$1 == "installed" && $2 !~ /1\.81/ {print $2}' | xargs)
    echo "Boost 1.81 and other versions of Boost's headers exclude each other." >&2
    if [[ -n "$others" ]]; then
      echo "Installed now: $others. If nothing else here needs them:" >&2
      echo "  sudo apt-get remove $others" >&2
    fi
  elif grep -qE 'Could not resolve|Failed to fetch|Unable to fetch|Temporary failure' "$log"; then
    echo "The package server could not be reached: check the network (or the proxy: http_proxy, /etc/apt/apt.conf.d) and try again." >&2
  elif grep -q 'Unable to locate package' "$log"; then
    echo "Tollhouse is built on Debian 12 (bookworm); this system does not offer all of its packages." >&2
  fi
}

install_packages() {
  local missing log package
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "Tollhouse is built with the packages of Debian 12, and there is no apt-get here. It needs: ${missing[*]}" >&2
    return 1
  fi
  echo "Installing ${#missing[@]} Debian packages:"
  for package in "${missing[@]}"; do
    printf '  %-22s %s\n' "$package" "$([[ $package == npm ]] && echo 'fetches the offline API reference' || reason_of "$package")"
  done
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "error: installing packages needs root, and there is no sudo. As root, run:" >&2
    echo "  scripts/packages.sh install $*" >&2
    return 1
  fi
  if [[ $EUID -ne 0 ]]; then sudo -v || return 1; fi  # asks for the password before lines of progress cover the question
  log=$(mktemp "${TMPDIR:-/tmp}/tollhouse-install.XXXXXX.log")
  if ! with_progress apt_progress "$log" fetch_and_install "${missing[@]}"; then
    explain_failure "$log"
    return 1
  fi
  rm -f "$log"
}

# Old lists name files that the server has replaced: then once more with new ones.
fetch_and_install() {
  if ! all_known "$@"; then as_root apt-get update -q || return 1; fi
  apt_install "$@" || { as_root apt-get update -q && apt_install "$@"; }
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
  command=${1:-}
  sets=("${@:2}")
  case "$command" in
    list) packages_of "${sets[@]}" ;;
    missing) missing_packages "${sets[@]}" ;;
    install) install_packages "${sets[@]}" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
fi
