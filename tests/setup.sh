#!/bin/sh
# Installs what a bare Debian 12 lacks to build and test Cofferdam. Quiet; does nothing when all is there.
# No service is started or left running by it: neither a Docker daemon nor a Prometheus.
set -eu

packages="
clang-19 lld-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19 libstdc++-12-dev
cmake ninja-build ccache pkg-config
libboost1.81-dev libyaml-cpp-dev nlohmann-json3-dev prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev
libssl-dev libsystemd-dev libgtest-dev libgmock-dev libbenchmark-dev libmimalloc-dev
g++-12
docker.io containerd runc iptables busybox-static docker-registry apache2-utils prometheus
iproute2 openssl curl jq python3 systemd procps util-linux psmisc ca-certificates tar
"
# g++-12 is there to be refused: a test shows that CMake says why.

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: these packages are missing:$missing" >&2
  echo "setup: there is no apt-get here; install them, or what your distribution calls them, and try again" >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: these packages are missing:$missing" >&2
    echo "setup: installing them needs root and there is no sudo; run tests/setup.sh once as root" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "setup: installing$missing"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
ours=""
clean() {
  [ -z "$ours" ] || $as_root rm -f "$policy"
  rm -f "$log"
}
trap clean EXIT
trap 'exit 130' INT TERM

# invoke-rc.d asks this program before it starts a freshly installed service: 101 means no.
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
  ours=yes
fi

run() {
  if ! $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    echo "setup: failed: $*" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
}
run apt-get -qq update
# shellcheck disable=SC2086  # a list of words
run apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install $missing
