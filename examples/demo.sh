#!/bin/bash
# Shows Cofferdam's life on a real Docker daemon of its own, in about a minute once it is built:
#   sudo examples/demo.sh            tells the story
#   sudo examples/demo.sh --check    the same, and asserts each step; exit code 0 where all of them hold
# It installs what is missing, builds, starts a private daemon in its own namespaces, and cleans up after itself.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# The environment wins over a configuration file: nothing of the caller's may lead to another engine than the private one.
for variable in ${!DOCKER_*} ${!COFFERDAM_*}; do
  case $variable in COFFERDAM_BINARY) ;; *) unset "$variable" ;; esac
done

check=""
case ${1:-} in
  "") ;;
  --check) check=yes ;;
  *) echo "usage: examples/demo.sh [--check]" >&2 && exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "demo: needs root: it starts a private Docker daemon. Try: sudo examples/demo.sh" >&2; exit 1; }

bold="" dim="" green="" red="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

binary=${COFFERDAM_BINARY:-build/dev/cofferdam}  # one that is named is not built
home=$(mktemp -d /tmp/cofferdam-demo-XXXXXX)
engine=$home/e
socket=$engine/docker.sock
config=$home/cofferdam.yaml
controller=""
checks=0

clean() {
  local code=$?
  trap - EXIT INT TERM
  if [ -n "$controller" ]; then
    kill -TERM "$controller" 2>/dev/null
    wait "$controller" 2>/dev/null
  fi
  [ ! -d "$engine" ] || tests/engine/private-engine.sh stop "$engine" >&2
  rm -rf "$home"
  exit "$code"
}
trap clean EXIT
trap 'exit 130' INT TERM

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
fail() {
  printf '%sthis did not happen: %s%s\n' "$red" "$*" "$plain" >&2
  [ ! -s "$home/controller.log" ] || tail -n 15 "$home/controller.log" >&2
  exit 1
}

# Waits until COMMAND succeeds; that it does is what the step asserts.
expect() {  # WHAT SECONDS COMMAND…
  local what=$1 tries=$(($2 * 20))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $tries -gt 0 ] || fail "$what"
    tries=$((tries - 1))
    sleep 0.05
  done
  checks=$((checks + 1))
  [ -z "$check" ] || printf '%s  ok: %s%s\n' "$green" "$what" "$plain"
}

cofferdam() { "$binary" "$@" --config "$config"; }
show() {  # a command of the binary, as a person would type it
  printf '%s$ cofferdam %s%s\n' "$bold" "$*" "$plain"
  cofferdam "$@"
}
api() { curl -sS --fail --max-time 10 --unix-socket "$socket" "http://docker$1"; }
state() { jq -r "$2" "$home/run/status/$1.json"; }
tells() { [ "$(state "$1" "$2")" = "$3" ]; }
is() { tells "$1" .phase "$2"; }
id_of() { state "$1" .containerId; }
is_running() { [ "$(api "/containers/$1/json" | jq -r .State.Running)" = true ]; }
is_gone() { ! api "/containers/$1/json"; }
differs() { [ "$(id_of "$1")" != "$2" ] && is "$1" Running; }
has_condition() { [ "$(state "$1" ".conditions[] | select(.type == \"$2\") | .status")" = "$3" ]; }
nothing_is_left() { [ "$(api '/containers/json?all=1' | jq length)" -eq 0 ]; }
is_ready() { curl -sS --fail --unix-socket "$home/run/api.sock" http://cofferdam/readyz; }
metric() { curl -sS --fail --unix-socket "$home/run/api.sock" http://cofferdam/metrics | grep -qxF "$1"; }

start_controller() {
  "$binary" run --config "$config" >>"$home/controller.log" 2>&1 &
  controller=$!
  expect "the controller is ready" 20 is_ready
}

# Written beside and renamed into the folder: never seen half-written.
drop() {  # NAME, the spec on standard input
  cat >"$home/agents.d/.$1.new"
  mv "$home/agents.d/.$1.new" "$home/agents.d/$1.yaml"
}
workspace() { install -d -o 1000 -g 1000 "$home/workspaces/$1"; }

say "Installing what is missing, and building."
tests/setup.sh || exit 1
if [ -z "${COFFERDAM_BINARY:-}" ] && ! { cmake --preset dev && cmake --build build/dev -j "$(nproc)" --target cofferdam; } >"$home/build.log" 2>&1; then
  tail -n 30 "$home/build.log" >&2
  fail "the build"
fi

title "A private Docker daemon, and Cofferdam beside it"
tests/engine/private-engine.sh start "$engine" >/dev/null || fail "the private daemon"
mkdir -p "$home"/{agents.d,workspaces,state,run}
chmod 755 "$home" "$home"/{agents.d,workspaces}
cat >"$config" <<YAML
instance: demo
engine: {host: "unix://$socket"}
specs: {directory: $home/agents.d, rescanIntervalSeconds: 2}
policy: {workspaceRoots: [$home/workspaces]}
server: {listen: "", socket: $home/run/api.sock}
state: {directory: $home/state}
runtime: {directory: $home/run}
YAML
say "$(sed 's/^/  /' "$config")"
show version
start_controller

title "1. A file is dropped: a hardened container runs"
workspace refactor-bot
drop refactor-bot <<YAML
apiVersion: cofferdam/v1
kind: Agent
metadata: {name: refactor-bot}
spec:
  workspacePath: $home/workspaces/refactor-bot
  command: [sh, -c, "echo at work as \$(id -un) in \$(pwd); exec sleep 100000"]
  env: {LOG_LEVEL: info, AWS_SECRET_ACCESS_KEY: leaked}
YAML
expect "refactor-bot runs" 30 is refactor-bot Running
show get
show logs refactor-bot
first=$(id_of refactor-bot)
pid=$(api "/containers/$first/json" | jq .State.Pid)
say "What the engine was asked for:"
api "/containers/$first/json" | jq -r '.HostConfig | "  capabilities dropped \(.CapDrop | join(" ")), read-only root \(.ReadonlyRootfs), processes at most \(.PidsLimit), memory \(.Memory / 1048576) MiB, \(.NanoCpus / 1e9) CPU"'
say "What the kernel says of its processes:"
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status" | sed 's/^/  /'
expect "it has no capabilities" 1 grep -qE '^CapBnd:\s+0000000000000000$' "/proc/$pid/status"
expect "it can gain no privileges" 1 grep -qE '^NoNewPrivs:\s+1$' "/proc/$pid/status"
expect "its system calls are filtered" 1 grep -qE '^Seccomp:\s+2$' "/proc/$pid/status"
expect "its user is not root" 1 grep -qE '^Uid:\s+1000\s' "/proc/$pid/status"
say "A variable outside the allow-list was filtered: $(state refactor-bot '.filteredVariables | join(" ")')"
expect "the filtered variable is named" 5 tells refactor-bot '.filteredVariables[0]' AWS_SECRET_ACCESS_KEY

title "2. The file is edited: the container is replaced"
sed 's/LOG_LEVEL: info/LOG_LEVEL: debug/' "$home/agents.d/refactor-bot.yaml" | drop refactor-bot
expect "another container runs" 30 differs refactor-bot "$first"
expect "the old one is stopped, kept as evidence" 5 tells refactor-bot .lastTermination.reason SpecChanged
show get
second=$(id_of refactor-bot)

title "3. The file is broken: nothing happens but a clear message"
cp "$home/agents.d/refactor-bot.yaml" "$home/good.yaml"
sed 's/  env:/  memoryMb: lots\n  env:/' "$home/good.yaml" | drop refactor-bot
expect "the mistake is seen" 20 has_condition refactor-bot SpecValid False
printf '%s$ cofferdam validate agents.d%s\n' "$bold" "$plain"
cofferdam validate "$home/agents.d"
[ $? -eq 1 ] || fail "validate exits 1"
expect "the container runs on" 1 is_running "$second"
drop refactor-bot <"$home/good.yaml"
expect "the mended file is accepted" 20 has_condition refactor-bot SpecValid True

title "4. The controller is killed: the agent runs on, and is adopted again"
kill -KILL "$controller"
wait "$controller" 2>/dev/null
controller=""
expect "the container runs on" 1 is_running "$second"
start_controller
expect "the same container is kept" 20 is refactor-bot Running
[ "$(id_of refactor-bot)" = "$second" ] || fail "the same container is kept"
show get

title "5. An agent that fails is run again, with growing pauses, up to its bound"
workspace crasher
drop crasher <<YAML
apiVersion: cofferdam/v1
kind: Agent
metadata: {name: crasher}
spec:
  workspacePath: $home/workspaces/crasher
  command: [sh, -c, "echo cannot go on >&2; exit 3"]
  maxRestarts: 2
YAML
expect "it backs off" 20 is crasher BackOff
show get
expect "it fails for good after two restarts" 40 is crasher Failed
show describe crasher

title "6. The file is removed: the container goes"
rm "$home/agents.d/refactor-bot.yaml"
expect "refactor-bot is removed" 40 is refactor-bot Removed
expect "its container is gone" 5 is_gone "$second"
show get

title "7. All of it for Prometheus"
expect "metrics tell the phases" 5 metric 'cofferdam_agent_phase{agent="crasher",phase="Failed"} 1'
curl -sS --unix-socket "$home/run/api.sock" http://cofferdam/metrics |
  grep -E '^cofferdam_(engine_up|sandbox_enabled|agent_phase|agent_last_exit_code|actions_total|env_filtered_total)' | sed 's/^/  /'

title "8. SIGTERM ends the controller; cleanup removes what it made"
kill -TERM "$controller"
wait "$controller"
code=$?
controller=""
[ $code -eq 0 ] || fail "the controller ends with 0, not $code"
checks=$((checks + 1))
show cleanup --yes || fail "cleanup"
expect "no container is left" 5 nothing_is_left
[ -z "$check" ] || printf '\n%s%d checks passed%s\n' "$green" "$checks" "$plain"
