#!/bin/bash
# Starts the unit under a real systemd and shows that it holds:
#
#   sudo deploy/systemd/try.sh target/dist/bailiwick
#
# systemd runs as PID 1 of namespaces of its own, on an overlay of this machine's root and with a network of its own, so
# that nothing outside changes. Needs root, a kernel with cgroup2 and overlayfs, curl and jq. Takes about a minute (the
# watchdog's 30 seconds), and ends with exit code 0 if everything held.
set -euo pipefail

# Inside: the checks, run next to systemd.
if [ "${1:-}" = --inside ]; then
  failed=0
  trap '[ $? = 0 ] || journalctl --no-pager --unit bailiwick | tail -30' EXIT
  # What is shown, what it prints, what it should print.
  hold() { if [ "$2" = "$3" ]; then echo "ok  $1: $2"; else echo "FAILED  $1: \`$2\` instead of \`$3\`"; failed=1; fi; }
  get() { curl -s --max-time 2 "$@" || true; }
  states() { get 127.0.0.1:8790/v1/status | jq -c '[.registrations.active, .registrations.stale, .complete]'; }
  property() { systemctl show bailiwick --property "$1" --value; }
  until_is() { for _ in $(seq "$3"); do [ "$($1)" = "$2" ] && break; sleep 0.5; done; $1; }
  restarts() { property NRestarts; }
  dir=/etc/matrix-synapse/appservices

  mv $dir /root/away
  systemctl start --no-block bailiwick; sleep 2
  hold "without the directory it waits" "$(property ActiveState)" activating
  mv /root/away $dir
  hold "with it, it is ready" "$(until_is 'property ActiveState' active 20)" active
  hold "it answers" "$(states)" '[8,0,true]'
  hold "anybody here may use the socket" \
    "$(su -s /bin/sh nobody -c 'curl -s --unix-socket /run/bailiwick/bailiwick.sock http://bailiwick/readyz')" \
    '{"ready":true,"missing":[]}'
  pid=$(property MainPID)
  hold "it runs under a filter of system calls" "$(sed -n 's/^Seccomp:\s*//p' "/proc/$pid/status")" 2
  hold "as a user of its own, without capabilities" \
    "$(stat -c %U "/proc/$pid") $(sed -n 's/^CapBnd:\s*//p' "/proc/$pid/status")" 'bailiwick 0000000000000000'
  # The name of a thread stands in brackets and may hold spaces.
  nice=$(sed 's/.*) //' "/proc/$pid"/task/*/stat | awk '$17 == 10' | wc -l)
  hold "the threads that load stand back" "$((nice >= 3))" 1
  hold "a reload succeeds" "$(systemctl reload bailiwick && property ReloadResult)" success
  cp -p $dir/hookshot.yaml /root/good; echo 'id: [' >$dir/hookshot.yaml
  hold "a file that breaks stays in force" "$(until_is states '[7,1,false]' 20)" '[7,1,false]'
  systemctl restart bailiwick
  hold "and does so after a restart" "$(states)" '[7,1,false]'
  cp -p /root/good $dir/hookshot.yaml
  hold "until it is mended" "$(until_is states '[8,0,true]' 20)" '[8,0,true]'
  for _ in 1 2 3 4 5 6 7; do systemctl kill --signal KILL bailiwick; sleep 1.5; done
  hold "killed seven times, it comes back seven times" "$(restarts) $(states)" '7 [8,0,true]'
  systemctl kill --signal STOP bailiwick
  hold "when it hangs, the watchdog restarts it" "$(until_is restarts 8 90)" 8
  hold "and it answers" "$(until_is states '[8,0,true]' 20)" '[8,0,true]'
  install -m 0640 -g matrix-registrations /dev/stdin /etc/bailiwick/tokens <<<"read a-token-of-this-try"
  printf 'BAILIWICK_AUTH_TOKEN_FILE=/etc/bailiwick/tokens\nBAILIWICK_LISTEN=0.0.0.0:8790\n' >>/etc/bailiwick/environment
  systemctl restart bailiwick
  code() { get --output /dev/null --write-out '%{http_code}' "$@"; }
  hold "with tokens, a question needs one" \
    "$(code 127.0.0.1:8790/v1/status) $(code -H 'Authorization: Bearer a-token-of-this-try' 127.0.0.1:8790/v1/status)" \
    '401 200'
  ip address add 192.0.2.1/32 dev lo
  hold "other addresses are not let in" "$(code 127.0.0.1:8790/readyz) $(code 192.0.2.1:8790/readyz)" '200 000'
  # As Debian's package has it.
  mkdir -p /etc/matrix-synapse/conf.d
  install -m 0640 -g matrix-registrations /dev/stdin /etc/matrix-synapse/conf.d/name.yaml <<<'server_name: example.com'
  { echo 'app_service_config_files:'; printf -- '- %s\n' $dir/*.yaml; } |
    install -m 0640 -g matrix-registrations /dev/stdin /etc/matrix-synapse/homeserver.yaml
  echo BAILIWICK_SYNAPSE_CONFIG=/etc/matrix-synapse/homeserver.yaml,/etc/matrix-synapse/conf.d >/etc/bailiwick/environment
  systemctl restart bailiwick
  hold "it takes the files from homeserver.yaml instead" "$(until_is states '[8,0,true]' 20)" '[8,0,true]'
  systemctl stop bailiwick
  hold "it stops" "$(property Result) $(property ExecMainStatus) $(property ActiveState)" 'success 0 inactive'
  exit $failed
fi

bailiwick=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d /tmp/bailiwick-unit.XXXXXX)
cgroup=$(findmnt --noheadings --output TARGET --types cgroup2 | head -1)/$(basename "$work")
export bailiwick repository work
mkdir "$cgroup"
leave() {
  [ -z "${init:-}" ] || kill -KILL "$init" 2>/dev/null || true
  sleep 0.5
  find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rm -rf --one-file-system "$work" "$work.log"
}
trap leave EXIT

# shellcheck disable=SC2016 # expanded inside
(echo "$BASHPID" >"$cgroup/cgroup.procs"
exec unshare --mount --pid --fork --uts --ipc --cgroup --net --propagation private bash -euc '
  mount -t tmpfs tmpfs "$work"; cd "$work"; mkdir upper scratch root
  mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" overlay root
  cd root
  mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup
  for at in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $at; done
  for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
  ln -s /proc/self/fd dev/fd; mkdir dev/shm dev/pts
  mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts; ln -s pts/ptmx dev/ptmx
  ip link set lo up

  install "$bailiwick" usr/local/bin/bailiwick
  mkdir -p etc/lab etc/bailiwick etc/matrix-synapse/appservices
  cp "$repository"/examples/registrations/*.yaml etc/matrix-synapse/appservices
  cp "$repository"/deploy/systemd/bailiwick.service etc/lab
  cp "$repository"/deploy/systemd/try.sh root/try.sh
  printf "BAILIWICK_DIRS=/etc/matrix-synapse/appservices\nBAILIWICK_SERVER_NAME=example.com\n" >etc/bailiwick/environment
  # As the comments of the unit say.
  chroot . groupadd --system matrix-registrations
  chroot . chgrp -R matrix-registrations /etc/matrix-synapse/appservices
  chmod 0750 etc/matrix-synapse/appservices; chmod 0640 etc/matrix-synapse/appservices/*
  printf "[Unit]\nWants=systemd-journald.service dbus.socket\n" >etc/lab/lab.target

  mkdir -p old; pivot_root . old; umount -l old
  exec env -i container=lab SYSTEMD_UNIT_PATH=/etc/lab:/lib/systemd/system /lib/systemd/systemd --unit=lab.target
') >"$work.log" 2>&1 &
outer=$!
for _ in $(seq 50); do
  sleep 0.2
  init=$(pgrep -P "$outer" || true)
  enter=(nsenter --target "${init:-0}" --all env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  [ -n "$init" ] && "${enter[@]}" systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && break
done
"${enter[@]}" bash /root/try.sh --inside || { cat "$work.log"; exit 1; }
