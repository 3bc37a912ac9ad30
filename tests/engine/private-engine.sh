#!/bin/bash
# A private Docker daemon for tests and demos. It never touches the host's own: it lives in its own network and
# mount namespace, with its own containerd, sockets, data and cgroup parent; several can run side by side.
#
#   private-engine.sh start DIR [--registry] [--no-images]   start; prints the path of the daemon's socket
#   private-engine.sh stop DIR               stop everything, remove everything, DIR too
#   private-engine.sh kill DIR               kill -9 the daemon alone: its containers run on
#   private-engine.sh resume DIR             start the daemon again after kill
#   private-engine.sh ns-exec DIR COMMAND…   run COMMAND in its namespaces
#   private-engine.sh registry-stop DIR | registry-start DIR
#   private-engine.sh sweep                  stop what was left by an owner that died without doing so
#
# DIR is created (keep it short: a socket's path has 108 characters). The daemon belongs to the process that called
# start (or COFFERDAM_ENGINE_OWNER, a pid): when that is gone, the next `sweep` or `start` clears up after it.
# After a failure DIR/dockerd.log and DIR/containerd.log are printed and kept as DIR.log.
#
# Images (from busybox-static): node:20-alpine and busybox:test (user node 1000:1000), and traps for contract tests:
#   traps:env      LD_PRELOAD, NODE_OPTIONS, BASH_ENV and CUSTOM in its environment
#   traps:labels   labels exitCode=0, signal=9 and cofferdam.managed-by=forged
#   traps:volumes  a VOLUME /data
#   traps:rootnode user node has uid 0
#   traps:nouser   no user node
#   traps:entry    ENTRYPOINT, CMD, USER and WORKDIR set
# With --registry: Debian's docker-registry on https://registry.test:5000 (reachable inside the namespace only), its
# CA known to the daemon, user "robot" with password "s3cret"; holds registry.test:5000/agents/busybox:1.
set -euo pipefail
# Nothing of the caller's environment may lead to another engine than the private one.
for variable in ${!DOCKER_*} ${!COFFERDAM_*}; do
  case $variable in COFFERDAM_ENGINE_OWNER) ;; *) unset "$variable" ;; esac
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ready_within=60  # seconds, for each of the things that are waited for
registry_address=10.213.0.1
list=/run/cofferdam-private-engines  # who owns which; root's alone to write, since a sweep removes what it names

fail() {
  echo "private-engine: $*" >&2
  exit 1
}

api() { curl -sS --fail-with-body --max-time 60 --unix-socket "$dir/docker.sock" "$@"; }

alive() { [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null && [ "$(ps -o stat= -p "$1" | cut -c1)" != Z ]; }

pid_of() { cat "$dir/$1.pid" 2>/dev/null || true; }

wait_gone() {  # PID SECONDS
  local tries=$(($2 * 20))
  while alive "$1" && [ $tries -gt 0 ]; do
    sleep 0.05
    tries=$((tries - 1))
  done
  ! alive "$1"
}

wait_for() {  # WHAT PID LOG COMMAND…: until COMMAND succeeds, PID lives and the time is not over
  local what=$1 pid=$2 log=$3 tries=$((ready_within * 20))
  shift 3
  until "$@" >/dev/null 2>&1; do
    if ! alive "$pid" || [ $tries -eq 0 ]; then
      tail -n 40 "$log" >&2 || true
      echo "private-engine: $what did not come up" >&2
      return 1
    fi
    sleep 0.05
    tries=$((tries - 1))
  done
}

end() {  # NAME SECONDS: TERM, wait, KILL
  local pid
  pid=$(pid_of "$1")
  if alive "$pid"; then
    kill -TERM "$pid" 2>/dev/null || true
    wait_gone "$pid" "$2" || kill -KILL "$pid" 2>/dev/null || true
    wait_gone "$pid" 5 || echo "private-engine: $1 (pid $pid) does not die" >&2
  fi
  rm -f "$dir/$1.pid"
}

inside() { nsenter --target "$(pid_of holder)" --net --mount -- "$@"; }

# Starts COMMAND in the namespaces, detached from our terminal and from our descriptors.
launch() {  # NAME COMMAND…
  local name=$1
  shift
  nsenter --target "$(pid_of holder)" --net --mount -- setsid "$@" >>"$dir/$name.log" 2>&1 </dev/null 3>&- &
  echo $! >"$dir/$name.pid"
  disown
}

start_namespaces() {
  # The holder keeps both namespaces; when it and the daemons are gone, their mounts and links are gone with them.
  unshare --net --mount --propagation slave -- sh -c '
    ip link set lo up && ip address add '"$registry_address"'/32 dev lo
    # Paths that no flag moves: the key of the daemon and the certificates of registries, plugins, sockets of shims.
    for path in /etc/docker /run/docker /run/containerd; do
      mkdir -p $path && mount -t tmpfs -o mode=711 tmpfs $path
    done
    mount --bind "$1/hosts" /etc/hosts
    : >"$1/holder.ready"
    exec sleep infinity' holder "$dir" >"$dir/holder.log" 2>&1 </dev/null 3>&- &
  echo $! >"$dir/holder.pid"
  disown
  wait_for "the namespace" "$(pid_of holder)" "$dir/holder.log" test -e "$dir/holder.ready"
}

start_containerd() {
  cat >"$dir/containerd.toml" <<TOML
version = 2
root = "$dir/containerd-root"
state = "$dir/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$dir/containerd.sock"
TOML
  launch containerd containerd --config "$dir/containerd.toml" --log-level warn
  wait_for containerd "$(pid_of containerd)" "$dir/containerd.log" test -S "$dir/containerd.sock"
}

start_daemon() {
  local driver=overlay2
  grep -qw overlay /proc/filesystems || driver=vfs
  rm -f "$dir/dockerd-own.pid"
  [ -e "$dir/daemon.json" ] || echo '{}' >"$dir/daemon.json"  # what is there was put there between kill and resume
  launch dockerd dockerd --config-file "$dir/daemon.json" -H "unix://$dir/docker.sock" --data-root "$dir/data" \
    --exec-root "$dir/exec" --pidfile "$dir/dockerd-own.pid" --containerd "$dir/containerd.sock" \
    --storage-driver "$driver" --cgroup-parent "/$cgroup" --shutdown-timeout 5 --log-level warn
  wait_for dockerd "$(pid_of dockerd)" "$dir/dockerd.log" api http://d/_ping
}

import() {  # TREE NAME TAG [CHANGE…]
  local tree=$1 name=$2 tag=$3 query=""
  shift 3
  for change in 'CMD ["sh"]' 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "$@"; do
    query="$query&changes=$(jq -rn --arg c "$change" '$c|@uri')"
  done
  tar -C "$tree" --numeric-owner -cf - . |
    api -X POST -H 'Content-Type: application/x-tar' --data-binary @- \
      "http://d/images/create?fromSrc=-&repo=$name&tag=$tag$query" >"$dir/import.log"
  if grep -q '"error"' "$dir/import.log"; then fail "import of $name:$tag: $(cat "$dir/import.log")"; fi
}

import_images() {
  local tree=$dir/tree
  mkdir -p "$tree"/{bin,etc,home/node,proc,sys,dev,run,tmp,usr/bin,usr/local/bin,workspace,root}
  chmod 1777 "$tree/tmp"
  chown 1000:1000 "$tree/home/node"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  busybox --list | grep -vx busybox | while read -r applet; do ln -sf busybox "$tree/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\nother:x:2000:2000::/:/bin/sh\n' \
    >"$tree/etc/passwd"
  printf 'root:x:0:\nnode:x:1000:\nother:x:2000:\n' >"$tree/etc/group"
  import "$tree" busybox test
  api -X POST "http://d/images/busybox:test/tag?repo=node&tag=20-alpine"
  import "$tree" traps env 'ENV LD_PRELOAD=/tmp/evil.so' 'ENV NODE_OPTIONS=--require=/tmp/evil.js' \
    'ENV BASH_ENV=/tmp/evil.sh' 'ENV CUSTOM=kept'
  import "$tree" traps labels 'LABEL exitCode=0' 'LABEL signal=9' 'LABEL cofferdam.managed-by=forged'
  import "$tree" traps volumes 'VOLUME /data'
  import "$tree" traps entry 'ENTRYPOINT ["echo","entrypoint"]' 'CMD ["from-image"]' 'USER other' 'WORKDIR /home'
  sed -i 's/^node:x:1000:1000/node:x:0:0/' "$tree/etc/passwd"
  import "$tree" traps rootnode
  sed -i '/^node:/d' "$tree/etc/passwd"
  import "$tree" traps nouser
  rm -rf "$tree"
}

start_registry() {
  local own=$dir/registry
  mkdir -p "$own"
  if [ ! -e "$own/cert.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry.test \
      -addext subjectAltName=DNS:registry.test -keyout "$own/key.pem" -out "$own/cert.pem" 2>/dev/null
    htpasswd -Bbn -C 4 robot s3cret >"$own/htpasswd" 2>/dev/null
    cat >"$own/config.yml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $own/blobs}}
http:
  addr: $registry_address:5000
  tls: {certificate: $own/cert.pem, key: $own/key.pem}
auth: {htpasswd: {realm: test, path: $own/htpasswd}}
YAML
    inside mkdir -p /etc/docker/certs.d/registry.test:5000
    inside cp "$own/cert.pem" /etc/docker/certs.d/registry.test:5000/ca.crt
  fi
  launch registry docker-registry serve "$own/config.yml"
  wait_for docker-registry "$(pid_of registry)" "$dir/registry.log" \
    inside curl -sS --fail --max-time 5 --cacert "$own/cert.pem" -u robot:s3cret https://registry.test:5000/v2/
}

fill_registry() {
  local name=registry.test:5000/agents/busybox auth
  auth=$(printf '{"username":"robot","password":"s3cret","serveraddress":"registry.test:5000"}' | base64 -w0 | tr '+/' '-_')
  api -X POST "http://d/images/busybox:test/tag?repo=$name&tag=1"
  api -X POST -H "X-Registry-Auth: $auth" "http://d/images/$name/push?tag=1" >"$dir/push.log"
  if grep -q '"error"' "$dir/push.log"; then fail "push to the registry: $(cat "$dir/push.log")"; fi
  api -X DELETE "http://d/images/$name:1" >/dev/null
}

remove_containers() {
  local ids
  alive "$(pid_of dockerd)" || return 0
  ids=$(curl -sS --max-time 10 --unix-socket "$dir/docker.sock" 'http://d/containers/json?all=1' 2>/dev/null |
    jq -r '.[].Id' 2>/dev/null) || return 0
  [ -z "$ids" ] || echo "$ids" | xargs -P 4 -I{} curl -sS -o /dev/null --max-time 20 -X DELETE \
    --unix-socket "$dir/docker.sock" "http://d/containers/{}?force=1&v=1" || true
}

# What still runs below our own cgroup parent, in whatever hierarchy; then the cgroups themselves.
clear_cgroups() {
  local root pid parents
  parents=$(find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$cgroup" 2>/dev/null || true)
  for root in $parents; do
    find "$root" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un | while read -r pid; do
      kill -KILL "$pid" 2>/dev/null || true
    done
  done
  for root in $parents; do
    for _ in $(seq 40); do
      find "$root" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ -d "$root" ] || break
      sleep 0.05
    done
  done
}

# Shims outlive containerd. Ours alone name our containerd's socket, or live in our network namespace.
clear_leftovers() {
  local pid namespace=${1:-none}
  for pid in $(ps -e -o pid=); do
    [ "$pid" != $$ ] || continue
    if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "containerd-shim" &&
      tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "-address $dir/containerd.sock"; then
      kill -KILL "$pid" 2>/dev/null || true
    elif [ "$(readlink "/proc/$pid/ns/net" 2>/dev/null)" = "$namespace" ] && [ "$pid" != "$(pid_of holder)" ]; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
}

stop_engine() {
  local namespace=none holder
  [ -d "$dir" ] || return 0
  [ -e "$dir/hosts" ] || fail "$dir is not a private engine's: left as it is"
  holder=$(pid_of holder)
  ! alive "$holder" || namespace=$(readlink "/proc/$holder/ns/net" || echo none)
  [ "$namespace" != "$(readlink /proc/self/ns/net)" ] || namespace=none
  remove_containers
  end registry 5
  end dockerd 20
  end containerd 10
  clear_cgroups
  clear_leftovers "$namespace"
  end holder 5
  for _ in $(seq 40); do
    rm -rf "$dir" 2>/dev/null && break
    chattr -R -f -i "$dir/data" 2>/dev/null || true  # a test that died in between leaves a file immutable
    sleep 0.1
  done
  [ ! -e "$dir" ] || fail "cannot remove $dir"
  rm -f "$list/$id"
}

sweep() {
  local entry owner
  for entry in "$list"/*; do
    [ -f "$entry" ] || continue
    read -r owner dir <"$entry" || continue
    if ! alive "$owner"; then
      id=$(basename "$entry")
      cgroup=cofferdam-$id
      stop_engine
      rm -f "$entry"
    fi
  done
}

start_engine() {
  local registry="" images=yes
  for argument in "$@"; do
    case $argument in
      --registry) registry=yes ;;
      --no-images) images="" ;;
      *) fail "unknown argument $argument" ;;
    esac
  done
  [ "$(id -u)" -eq 0 ] || fail "starting a daemon needs root"
  [ -z "$(ls -A "$dir" 2>/dev/null)" ] || fail "$dir is not empty: everything in it would go with the engine"
  [ ${#dir} -le 70 ] || fail "$dir is too long for the path of a socket"
  mkdir -p -m 700 "$list"
  mkdir -p "$dir"
  chmod 711 "$dir"
  printf '127.0.0.1 localhost\n%s registry.test\n' "$registry_address" >"$dir/hosts"
  echo "${COFFERDAM_ENGINE_OWNER:-$PPID} $dir" >"$list/$id"
  trap 'status=$?; [ $status -eq 0 ] || { tail -n 40 "$dir"/*.log >"$dir.log" 2>/dev/null || true; stop_engine; }' EXIT
  trap 'exit 130' INT TERM
  start_namespaces
  start_containerd
  start_daemon
  [ -z "$images" ] || import_images
  if [ -n "$registry" ]; then
    start_registry
    [ -z "$images" ] || fill_registry
  fi
  echo "$dir/docker.sock"
}

command=${1:-}
[ -n "$command" ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$here/$(basename "$0")"; exit 2; }
shift
if [ "$command" = sweep ]; then
  sweep
  exit 0
fi
[ $# -ge 1 ] || fail "$command: which directory?"
case $1 in /*) dir=$1 ;; *) dir=$PWD/$1 ;; esac
shift
id=$(echo "$dir" | sha256sum | cut -c1-12)
cgroup=cofferdam-$id

case $command in
  start) start_engine "$@" ;;
  stop) stop_engine ;;
  kill)
    kill -KILL "$(pid_of dockerd)"
    wait_gone "$(pid_of dockerd)" 10 || fail "dockerd does not die"
    rm -f "$dir/dockerd.pid"
    ;;
  resume)
    trap 'exit 130' INT TERM
    start_daemon
    ;;
  registry-stop) end registry 5 ;;
  registry-start) start_registry ;;
  ns-exec) inside "$@" ;;
  *) fail "unknown command $command" ;;
esac
