# What a person sees while something takes long. Sourced.

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A line of progress: rewritten on a terminal, once in a while otherwise.
show_progress() {
  if [[ -z $1 ]]; then return 0; fi
  if [[ -t 1 ]]; then
    printf '\r\033[K  %s' "$1"
  elif (( SECONDS - ${last_shown:--60} >= 60 )); then
    last_shown=$SECONDS
    printf '  %s\n' "$1"
  fi
}
end_progress() { if [[ -t 1 ]]; then printf '\r\033[K'; fi; }

# with_progress READER LOG COMMAND...: the command's output goes to LOG; meanwhile what "READER LOG" prints is shown.
# The command runs in the foreground, so that Ctrl-C reaches it and sudo may ask for a password.
with_progress() {
  local reader=$1 log=$2 watcher status=0
  shift 2
  (while kill -0 $$ 2>/dev/null; do
    sleep 0.5
    show_progress "$("$reader" "$log")"
  done) &
  watcher=$!
  "$@" >>"$log" 2>&1 || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  end_progress
  return $status
}
