#!/bin/bash
# Installs what is missing, builds, and runs every test there is. The last line is "N passed, N failed"; the exit
# code is 0 only where nothing failed. Nothing is skipped: a test that skips itself counts as failed.
#
#   tests/run.sh            everything (needs root: private Docker daemons are started)
#   tests/run.sh NAME…      only these test programs, checks or stages, as the progress lines name them
#
# Stages that NAME may be too: `asan` (AddressSanitizer, LeakSanitizer and UBSan over the unit, scripted and simulated tests),
# `tsan` (ThreadSanitizer over those with threads), `coverage`, `fuzz`, `tidy`; and of the simulator, in a release build,
# `sim_test`, `sim_exhaustive_test`, `seeds` and `known-bugs`; `hashes` (the same traces in every kind of build). A stage's
# failure does not stop the others.
# Once the quick tests are through, what mostly waits (the private daemons, the torture of a real folder) runs beside what
# mostly computes (sanitizers, coverage, tidy), which is given the lower priority.
# Full logs are kept in build/dev/test-logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# The environment wins over a configuration file: nothing of the caller's may lead to another engine than the private ones.
for variable in ${!DOCKER_*} ${!COFFERDAM_*}; do
  case $variable in COFFERDAM_BINARY | COFFERDAM_COVERAGE_BUILD) ;; *) unset "$variable" ;; esac
done

build=build/dev
logs=$build/test-logs
results=$logs/results  # lines that any lane appends: "passed N", "failed N", "failure NAME"
one_program_at_most=900  # seconds
one_build_at_most=3600
chosen=("$@")
begin=$SECONDS
lane=""

# Whatever ends us, what we started ends too, and the daemons of tests that could not clear up are cleared up.
finish() {
  if [ -n "$lane" ]; then
    kill -TERM "$lane" 2>/dev/null
    wait "$lane" 2>/dev/null
  fi
  pkill -TERM -P $$
  [ "$(id -u)" -ne 0 ] || tests/engine/private-engine.sh sweep
}
trap finish EXIT
trap 'exit 130' INT TERM

# By its own name ("asan specs_test") or by its stage's ("asan").
wanted() {  # NAME
  [ ${#chosen[@]} -eq 0 ] && return 0
  printf '%s\n' "${chosen[@]}" | grep -qxF -e "$1" -e "${1%% *}"
}

# Whether a stage has anything to do: it is chosen, or one of its parts is.
stage_wanted() {  # STAGE
  [ ${#chosen[@]} -eq 0 ] && return 0
  printf '%s\n' "${chosen[@]}" | grep -qE "^$1( |\$)"
}

passes() { echo "passed $1" >>"$results"; }   # HOW-MANY
fails() {  # HOW-MANY NAME…
  echo "failed $1" >>"$results"
  shift
  printf 'failure %s\n' "$@" >>"$results"
}
sum_of() { awk -v kind="$1" '$1 == kind {sum += $2} END {print sum + 0}' "$results"; }

end() {
  local passed failed
  if grep -q '^failure ' "$results"; then
    echo
    echo "failed:"
    sed -n 's/^failure /  /p' "$results"
  fi
  echo "$((SECONDS - begin)) s in all; logs are in $logs"
  passed=$(sum_of passed)
  failed=$(sum_of failed)
  if [ $((passed + failed)) -eq 0 ]; then
    echo "no test has a name like that" >&2
    failed=1
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

tell() {  # NAME START TEXT
  printf '%4d s  %-32s %s\n' "$((SECONDS - $2))" "$1" "$3"
}

# In the background and waited for, so that a signal is heeded while it runs; timeout(1) hands the signal to all that the
# command started.
within() {  # SECONDS COMMAND…
  timeout "$@" </dev/null &
  wait "$!"
}
timed() { within "$one_program_at_most" "$@"; }  # COMMAND…

log_of() { echo "$logs/${1// /-}.log"; }  # NAME

# A step that others stand on.
step() {  # NAME COMMAND…
  local name=$1 start=$SECONDS log
  log=$(log_of "$1")
  shift
  if within "$one_build_at_most" "$@" >"$log" 2>&1; then
    tell "$name" "$start" done
  else
    tell "$name" "$start" FAILED
    { grep -E 'error|FAILED|Mend' "$log" | head -n 20; tail -n 20 "$log"; }
    fails 1 "$name"
    return 1
  fi
}

# A step that all else stands on: its failure ends the run.
need() { step "$@" || end; }

# A command that counts as one test.
check() {  # NAME COMMAND…
  local name=$1 start=$SECONDS log
  log=$(log_of "$1")
  shift
  wanted "$name" || return 0
  # In a shell of its own, so that a function can be given a time too.
  if timed bash -c '"$@"' check "$@" >"$log" 2>&1; then
    passes 1
    tell "$name" "$start" passed
  else
    fails 1 "$name"
    tell "$name" "$start" FAILED
    tail -n 25 "$log"
  fi
}

# A GoogleTest program: its tests are counted one by one from its own report.
program() {  # NAME COMMAND…
  local name=$1 start=$SECONDS report code=0 ok bad names log
  log=$(log_of "$1")
  report=$PWD/${log%.log}.json
  shift
  wanted "$name" || return 0
  rm -f "$report"
  GTEST_OUTPUT=json:$report timed "$@" >"$log" 2>&1 || code=$?
  if ! jq -e . "$report" >/dev/null 2>&1; then
    fails 1 "$name (ended with $code before its report)"
    tell "$name" "$start" "FAILED: ended with $code before its report"
    tail -n 25 "$log"
    return
  fi
  names=$(jq -r '.testsuites[] | .name as $suite | .testsuite[]
    | select((.failures // []) != [] or .result == "SKIPPED" or .status == "NOTRUN") | $suite + "." + .name' "$report")
  bad=$(printf '%s' "$names" | grep -c . || true)
  ok=$(($(jq '.tests' "$report") - bad))
  # A program that fails after its last test (a leak, a crash while ending) has failed too.
  if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
    names="(ended with $code after its last test)"
  fi
  if [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
    names="(has no test)"
  fi
  passes "$ok"
  tell "$name" "$start" "$ok passed$([ "$bad" -eq 0 ] || echo ", $bad FAILED")"
  if [ "$bad" -ne 0 ]; then
    local each
    mapfile -t each <<<"$names"
    fails "$bad" "${each[@]/#/$name: }"
    grep -A 8 -E ': Failure$|ERROR: |WARNING: ThreadSanitizer|runtime error' "$log" | cut -c1-300 | head -n 80
  fi
}

sources() { find specs docker reconciler metrics controller tests -name '*.cpp' -o -name '*.hpp' | sort; }

check_format() { sources | xargs clang-format-19 --dry-run -Werror; }

check_scripts() {
  local script
  while IFS= read -r script; do
    case $(head -n 1 "$script") in
      '#!/bin/bash') bash -n "$script" || return 1 ;;
      '#!/bin/sh') sh -n "$script" || return 1 ;;
      *) echo "$script does not say what runs it" && return 1 ;;
    esac
    [ -x "$script" ] || { echo "$script is not executable"; return 1; }
  done < <(find tests examples packaging .ci -name '*.sh' -o -path .ci/run)
}

check_prometheus() {
  promtool check config examples/prometheus/prometheus.yml && promtool check rules examples/prometheus/alerts.yml &&
    promtool test rules examples/prometheus/alerts_test.yml
}

check_unit() {
  systemd-analyze security --offline=yes --threshold=15 --no-pager packaging/systemd/cofferdam.service
}

check_examples_are_valid() { "$build/cofferdam" validate examples/agents; }

# Every mistake is named with its place; the exit code is 1, not a crash's.
check_broken_examples_are_refused() {
  local output code=0 file
  output=$("$build/cofferdam" validate examples/broken 2>&1) || code=$?
  echo "$output"
  [ "$code" -eq 1 ] || { echo "the exit code is $code, not 1"; return 1; }
  for file in examples/broken/*.y*ml; do
    grep -qE "$(basename "$file"):[0-9]+:[0-9]+: " <<<"$output" || { echo "nothing is said of $file"; return 1; }
  done
}

export build
export -f sources check_format check_scripts check_prometheus check_unit check_examples_are_valid check_broken_examples_are_refused

# NAME and COMMAND of each program that CMake knows in a build tree, a line each.
programs_of() {  # BUILD
  ctest --test-dir "$1" --show-only=json-v1 | jq -r '.tests[] | [.name, (.command // [""])[0]] | @tsv'
}

# Those that need a daemon of their own or a real file system's patience: they wait more than they compute.
waits() { [[ $1 =~ ^(contract|e2e|chaos|soak|torture)_test$ ]]; }

# The simulator's: they run in the release build, which is many times as fast.
simulates() { [[ $1 =~ ^sim(_[a-z]+)?_test$ ]]; }

# One instrumented tree: builds the programs, then runs each; every one of its tests counts.
sanitized() {  # STAGE PRESET PROGRAM…
  local stage=$1 preset=$2 target
  shift 2
  stage_wanted "$stage" || return 0
  step "$stage configure" cmake --preset "$preset" || return
  step "$stage build" cmake --build "build/$preset" -j "$(nproc)" --target "$@" || return
  for target in "$@"; do program "$stage $target" "build/$preset/tests/$target"; done
}

simulation() {
  local release=build/release name tests=()
  while read -r name; do simulates "$name" && tests+=("$name"); done < <(cut -f 1 <<<"$programs")
  for name in "${tests[@]}" seeds known-bugs; do wanted "$name" && break; done || return 0
  step "release configure" cmake --preset release || return
  step "release build" cmake --build "$release" -j "$(nproc)" --target cofferdam-sim known-bugs "${tests[@]}" || return
  for name in "${tests[@]}"; do program "$name" "$release/tests/$name"; done
  check seeds "$release/cofferdam-sim" --seeds 0..1999 --coverage
  check known-bugs "$release/cofferdam-sim" --known-bugs
}

# All that mostly waits, beside all that mostly computes.
waiting_lane() {
  trap 'pkill -TERM -P "$BASHPID"; exit 130' TERM
  while IFS=$'\t' read -r name command; do
    waits "$name" && program "$name" "$command"
  done < <(grep . <<<"$programs")
  check demo env COFFERDAM_BINARY="$build/cofferdam" examples/demo.sh --check
}

computing_lane() {
  local name asan=()
  simulation
  check tidy tests/tidy.py "$build"
  check coverage tests/coverage.sh
  # The tree of the fuzz targets has the same sanitizers, so it is built once for both. Left out: what is another
  # stage's, what only looks at files, and the exhaustive mode, whose allocator is its own.
  while read -r name; do
    waits "$name" || [[ $name =~ ^(house|known_bugs|sim_exhaustive)_test$ ]] || asan+=("$name")
  done < <(cut -f 1 <<<"$programs")
  sanitized asan fuzz "${asan[@]}"
  check fuzz tests/fuzz/run.sh 10
  check hashes tests/sim/hashes.sh --seeds 0..99 "$build" release fuzz
  sanitized tsan tsan docker_test controller_test controller_faces_test controller_commands_test
}

mkdir -p "$logs"
: >"$results"
if [ "$(id -u)" -ne 0 ]; then
  echo "tests/run.sh needs root: it starts private Docker daemons. Try: sudo tests/run.sh" >&2
  fails 1 "not root"
  end
fi
echo "Cofferdam's tests, on $(nproc) processors"
need setup tests/setup.sh
need configure cmake --preset dev
# Stages with trees of their own need no other.
if [ ${#chosen[@]} -eq 0 ] || printf '%s\n' "${chosen[@]}" | grep -qvE '^(asan|tsan|coverage|fuzz|format|scripts|tidy|unit-security|prometheus-examples|seeds|known-bugs|sim_.*)( |$)'; then
  need build cmake --build "$build" -j "$(nproc)"
fi

# The programs that CMake knows; one that was not built fails by not being there.
programs=$(programs_of "$build") || programs=""
for room in specs_test docker_test reconciler_test metrics_test controller_test house_test sim_test contract_test e2e_test; do
  if ! grep -q "^$room	" <<<"$programs" && wanted "$room"; then fails 1 "$room: CMake knows no such test"; fi
done
while IFS=$'\t' read -r name command; do
  waits "$name" || simulates "$name" || program "$name" "$command"
done < <(grep . <<<"$programs")

check format check_format
check scripts check_scripts
check prometheus-examples check_prometheus
check unit-security check_unit
check valid-examples check_examples_are_valid
check broken-examples check_broken_examples_are_refused

waiting_lane &
lane=$!
renice -n 10 "$BASHPID" >/dev/null
computing_lane
wait "$lane"
lane=""
end
