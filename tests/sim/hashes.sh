#!/bin/bash
# Holds the simulator's trace to every build type: the same seeds must give the same hashes in each build tree, in one
# process and in many, and the same timeline, word for word.
#
#   hashes.sh [--seeds A..B] [TREE…]
#
# A TREE is a build directory that holds cofferdam-sim (build/release, build/fuzz, …), or the name of a preset, which is
# then built for it. Without any: dev, release and asan. Prints a line for each build; fails where two differ.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seeds=0..999
if [ "${1:-}" = --seeds ]; then
  seeds=$2
  shift 2
fi
trees=("$@")
[ ${#trees[@]} -gt 0 ] || trees=(dev release asan)
[ ${#trees[@]} -ge 2 ] || { echo "hashes: one build cannot differ: name at least two" >&2; exit 2; }
first=${seeds%..*}
last=${seeds#*..}

program_of() {  # TREE: the simulator in it, built first where it is a preset's
  if [ -x "$1/cofferdam-sim" ]; then
    echo "$1/cofferdam-sim"
    return
  fi
  (cd "$here" && cmake --preset "$1" && cmake --build --preset "$1" --target cofferdam-sim) >&2
  echo "$here/build/$1/cofferdam-sim"
}

# "steps=… inputs=… calls=… hash=…" of a range: what may not depend on the build. A run that breaks a promise has them too.
facts_of() {  # PROGRAM RANGE [JOBS]
  { "$1" --no-shrink --seeds "$2" --jobs "${3:-2}" || true; } |
    sed -nE 's/^seeds=([0-9]+) (steps=[0-9]+ inputs=[0-9]+ calls=[0-9]+) .*(hash=[0-9a-f]+).*/seeds=\1 \2 \3/p'
}

# The first seeds again, each in a process of its own, and added up as the range's sum is: modulo 2^64.
alone_of() {  # PROGRAM
  local sum=0 seed hash
  for seed in $(seq "$first" "$((first + 9))"); do
    hash=$(facts_of "$1" "$seed..$seed" 1 | sed 's/.*hash=//')
    sum=$((sum + 16#${hash:?no hash of seed $seed}))
  done
  printf '%016x' "$sum"
}

status=0
expected=
timeline=
for tree in "${trees[@]}"; do
  program=$(program_of "$tree")
  facts=$(facts_of "$program" "$seeds")
  together=$(facts_of "$program" "$first..$((first + 9))" 1 | sed 's/.*hash=//')
  alone=$(alone_of "$program")
  words=$({ "$program" --seed "$last" --trace || true; } | sha256sum | cut -c1-16)
  echo "$tree: $facts timeline=$words ten-alone=$alone"
  if [ -z "$facts" ] || [ "$together" != "$alone" ]; then
    echo "hashes: $tree: ten seeds in one process give ${together:-nothing}, each alone $alone" >&2
    status=1
  fi
  if [ "$facts" != "${expected:=$facts}" ] || [ "$words $alone" != "${timeline:=$words $alone}" ]; then
    echo "hashes: $tree differs from ${trees[0]}" >&2
    status=1
  fi
done
exit $status
