#!/bin/bash
# Measures what the unit tests of specs, docker and reconciler reach: builds them with clang's source-based coverage, runs
# them, prints a table and fails where it falls short (tests/coverage_table.py says of what).
#
#   tests/coverage.sh            the table
#   tests/coverage.sh --missing  and every line that no test reaches, every branch that no test takes
#
# The simulator is left out on purpose: what is counted here is held by a test that asserts something about it.
# The build tree is build/coverage, or $COFFERDAM_COVERAGE_BUILD.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${COFFERDAM_COVERAGE_BUILD:-build/coverage}
programs=(specs_test docker_test reconciler_test)
sources=(specs/*.[ch]pp docker/*.[ch]pp reconciler/*.[ch]pp)

cmake --preset coverage -B "$build" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" -j "$(nproc)" --target "${programs[@]}" >"$build.log" 2>&1 ||
  { grep -E 'error|FAILED' "$build.log" | head -n 20; exit 1; }
rm -f "$build.log"

profiles=$build/profiles
rm -rf "$profiles"
mkdir -p "$profiles"
objects=()
for program in "${programs[@]}"; do
  LLVM_PROFILE_FILE=$profiles/$program.profraw "$build/tests/$program" >"$profiles/$program.log" 2>&1 ||
    { grep -E -A 8 ': Failure$|FAILED' "$profiles/$program.log"; exit 1; }
  objects+=(-object "$build/tests/$program")
done
llvm-profdata-19 merge -sparse "$profiles"/*.profraw -o "$profiles/all.profdata"

llvm-cov-19 export "${objects[@]:1:1}" "${objects[@]:2}" -instr-profile "$profiles/all.profdata" "${sources[@]}" \
  >"$profiles/report.json"
tests/coverage_table.py "$profiles/report.json" "$@"
