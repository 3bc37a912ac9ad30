#!/bin/bash
# Builds the preset fuzz and runs its targets, two side by side, each from its seeds in tests/fuzz/corpus/<target>.
#
#   tests/fuzz/run.sh [SECONDS-PER-TARGET] [TARGET…]      10 s and every target by default
#
# One line a target: executions, executions a second, covered edges, result. The exit code is 1 on any finding, whose input is then
# named. What a run adds to the seeds is kept in build/fuzz/corpus/<target>, and the next run begins with it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

build=build/fuzz
seconds=10
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
known=()
for source in tests/fuzz/*_fuzz.cpp; do
  name=$(basename "$source" _fuzz.cpp)
  [ "$name" = canary ] || known+=("$name")
done
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")
for target in "${targets[@]}"; do
  if [ ! -f "tests/fuzz/${target}_fuzz.cpp" ]; then
    echo "there is no target $target; there are: ${known[*]}" >&2
    exit 2
  fi
done

begin=$SECONDS
mkdir -p "$build"
log=$build/build.log
if ! { cmake --preset fuzz && cmake --build "$build" -j "$(nproc)" --target fuzz_dictionaries canary_fuzz "${targets[@]/%/_fuzz}"; } >"$log" 2>&1; then
  grep -E 'error|FAILED|Mend' "$log" | head -n 20
  echo "the fuzz targets do not build; see $log" >&2
  exit 2
fi
echo "built in $((SECONDS - begin)) s; $seconds s for each of ${#targets[@]} targets"

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1

stat_of() { sed -n "s/^stat::$2: *//p" "$1" | tail -n 1; }

# One target; its line, and 1 where it found something.
run() {  # TARGET
  local target=$1 program=$build/tests/fuzz/${1}_fuzz scratch=$build/corpus/$1 findings=$build/findings/$1 log=$build/$1.log
  local options=() seeds=("tests/fuzz/corpus/$1") code=0 result=clean executions edges
  mkdir -p "$scratch" "$findings"
  case $target in yaml | agent_spec) seeds+=(examples/agents examples/broken) ;; esac
  case $target in
    yaml | agent_spec | configuration) options+=("-dict=$build/tests/fuzz/yaml.dict") ;;
    json_reply | client_config) options+=("-dict=tests/fuzz/json.dict") ;;
    http_answer | status_server) options+=("-dict=tests/fuzz/http.dict") ;;
  esac
  "$program" "$scratch" "${seeds[@]}" "-max_total_time=$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=1 "-artifact_prefix=$findings/" "${options[@]}" >"$log" 2>&1 </dev/null || code=$?
  executions=$(stat_of "$log" number_of_executed_units)
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  if [ "$code" -ne 0 ]; then
    result="FOUND $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
  elif [ "${executions:-0}" -eq 0 ] || [ "${edges:-0}" -eq 0 ]; then
    result="FAILED: nothing was executed"
    code=1
  fi
  printf '%-16s %10s executions %7s/s %6s edges  %s\n' "$target" "${executions:-?}" \
    "$(stat_of "$log" average_exec_per_sec)" "${edges:-?}" "$result"
  [ "$code" -eq 0 ] && return 0
  grep -m 1 -A 12 -E 'broken promise|ERROR: |runtime error' "$log" | cut -c1-300
  echo "again: $program $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
  return 1
}
export build seconds
export -f run stat_of

# A run that could not find anything would be clean too: so one is made that must find what is there.
canary=$build/findings/canary
mkdir -p "$canary"
if "$build/tests/fuzz/canary_fuzz" -runs=5000000 -seed=1 -max_len=16 "-artifact_prefix=$canary/" >"$build/canary.log" 2>&1 ||
  ! grep -q 'no bird sings' "$build/canary.log"; then
  echo "canary: what is there was not found; see $build/canary.log" >&2
  exit 1
fi

printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'run "$1" || exit 1' run '{}'
code=$?
echo "$((SECONDS - begin)) s in all"
[ "$code" -eq 0 ] || exit 1
