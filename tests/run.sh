#!/bin/bash
# Installs what is missing, builds, and runs every test there is. The last line is "N passed, N failed"; the exit
# code is 0 only where nothing failed. Nothing is skipped: a test that skips itself counts as failed.
#
#   tests/run.sh            everything (needs root: a private Docker daemon is started)
#   tests/run.sh NAME…      only these test programs or checks, as the progress lines name them
#
# Full logs are kept in build/dev/test-logs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

build=build/dev
logs=$build/test-logs
one_program_at_most=900  # seconds
passed=0
failed=0
failures=()
chosen=("$@")
begin=$SECONDS

# Whatever ends us, the daemons of tests that could not clear up are cleared up.
finish() { [ "$(id -u)" -ne 0 ] || tests/engine/private-engine.sh sweep; }
trap finish EXIT
trap 'exit 130' INT TERM

wanted() {
  [ ${#chosen[@]} -eq 0 ] && return 0
  printf '%s\n' "${chosen[@]}" | grep -qxF -- "$1"
}

end() {
  local name
  if [ ${#failures[@]} -gt 0 ]; then
    echo
    echo "failed:"
    for name in "${failures[@]}"; do echo "  $name"; done
  fi
  echo "$((SECONDS - begin)) s in all; logs are in $logs"
  if [ $((passed + failed)) -eq 0 ]; then
    echo "no test has a name like that" >&2
    failed=1
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

tell() {  # NAME START TEXT
  printf '%4d s  %-28s %s\n' "$((SECONDS - $2))" "$1" "$3"
}

# A step that all else stands on: its failure ends the run.
need() {  # NAME COMMAND…
  local name=$1 start=$SECONDS
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    tell "$name" "$start" done
  else
    tell "$name" "$start" FAILED
    grep -E 'error|FAILED|Mend' "$logs/$name.log" | head -n 20
    tail -n 20 "$logs/$name.log"
    failed=$((failed + 1))
    failures+=("$name")
    end
  fi
}

# A command that counts as one test.
check() {  # NAME COMMAND…
  local name=$1 start=$SECONDS
  shift
  wanted "$name" || return 0
  # In a shell of its own, so that a function can be given a time too.
  if timeout "$one_program_at_most" bash -c '"$@"' check "$@" >"$logs/$name.log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    tell "$name" "$start" passed
  else
    failed=$((failed + 1))
    failures+=("$name")
    tell "$name" "$start" FAILED
    tail -n 25 "$logs/$name.log"
  fi
}

# A GoogleTest program: its tests are counted one by one from its own report.
program() {  # NAME COMMAND…
  local name=$1 start=$SECONDS report=$PWD/$logs/$1.json code=0 ok bad names
  shift
  wanted "$name" || return 0
  rm -f "$report"
  GTEST_OUTPUT=json:$report timeout "$one_program_at_most" "$@" >"$logs/$name.log" 2>&1 </dev/null || code=$?
  if ! jq -e . "$report" >/dev/null 2>&1; then
    failed=$((failed + 1))
    failures+=("$name (ended with $code before its report)")
    tell "$name" "$start" "FAILED: ended with $code before its report"
    tail -n 25 "$logs/$name.log"
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
  passed=$((passed + ok))
  failed=$((failed + bad))
  tell "$name" "$start" "$ok passed$([ "$bad" -eq 0 ] || echo ", $bad FAILED")"
  if [ "$bad" -ne 0 ]; then
    while IFS= read -r one; do failures+=("$name: $one"); done <<<"$names"
    grep -A 8 -E ': Failure$' "$logs/$name.log" | cut -c1-300 | head -n 80
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

mkdir -p "$logs"
if [ "$(id -u)" -ne 0 ]; then
  echo "tests/run.sh needs root: it starts a private Docker daemon. Try: sudo tests/run.sh" >&2
  failed=1
  failures+=("not root")
  end
fi
echo "Cofferdam's tests, on $(nproc) processors"
need setup tests/setup.sh
need configure cmake --preset dev
need build cmake --build "$build" -j "$(nproc)"

# The programs that CMake knows; one that was not built fails by not being there. Those that need the daemon come last.
programs=$(ctest --test-dir "$build" --show-only=json-v1 | jq -r '.tests[] | [.name, (.command // [""])[0]] | @tsv') || programs=""
for room in specs_test docker_test reconciler_test metrics_test controller_test house_test contract_test e2e_test; do
  if ! grep -q "^$room	" <<<"$programs" && wanted "$room"; then
    failed=$((failed + 1))
    failures+=("$room: CMake knows no such test")
  fi
done
while IFS=$'\t' read -r name command; do
  case $name in contract_test | e2e_test) ;; *) program "$name" "$command" ;; esac
done < <(grep . <<<"$programs")

check format check_format
check scripts check_scripts
check prometheus-examples check_prometheus
check unit-security check_unit
check valid-examples check_examples_are_valid
check broken-examples check_broken_examples_are_refused
check tidy tests/tidy.py "$build"
while IFS=$'\t' read -r name command; do
  case $name in contract_test | e2e_test) program "$name" "$command" ;; esac
done < <(grep . <<<"$programs")
check demo examples/demo.sh --check
end
