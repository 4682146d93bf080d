#!/bin/bash
# Builds the package and tries it in a clean root: installs, starts, upgrades, removes and purges it.
#
#   sudo deploy/debian/try.sh target/dist/bailiwick
#
# The root is made by debootstrap, of the release of Debian that this machine has, since the binary is linked to its C library.
# The service is started by the words of the unit, with a user as the unit makes one, and without systemd: under a real one
# deploy/systemd/try.sh tries the unit. lintian is asked where it is installed. Needs root and debootstrap; takes two minutes,
# most of it for the root. The exit code is 0 if everything held.
set -euo pipefail

binary=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/../..")
# shellcheck disable=SC1091 # of this machine
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
work=$(mktemp -d /tmp/bailiwick-debian.XXXXXX)
root=$work/root
service=
leave() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap leave EXIT
failed=0
# What is shown, what it prints, what it should print.
hold() { if [ "$2" = "$3" ]; then echo "ok  $1: $2"; else echo "FAILED  $1: \`$2\` instead of \`$3\`"; failed=1; fi; }
within() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
is_there() { [ -e "$root/$1" ] && echo there || echo gone; }
package() { within dpkg "$@" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; exit 1; }; }
installed() { within dpkg-query --show --showformat "$1" bailiwick; }

debootstrap --variant=minbase --include=systemd,man-db,bash-completion "$release" "$root" >"$work/debootstrap.log" 2>&1 ||
  { tail "$work/debootstrap.log"; exit 1; }
mount -t proc proc "$root/proc"
# It is not started while one installs: there is no systemd to ask.
version=$("$binary" --version | cut -d' ' -f2)
cd "$work"
for revision in 1 2; do "$repository/deploy/debian/build.sh" "$binary" "$version-$revision" >/dev/null; done
if command -v lintian >/dev/null; then
  # As root, since this is. Who answers for the package is said by who publishes it, and it closes no bug of Debian's.
  hold "lintian finds nothing" "$(lintian --allow-root bailiwick_*-1_*.deb \
    --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog 2>&1)" ""
fi
du --apparent-size --human-readable bailiwick_*-1_*.deb
cp bailiwick_*.deb "$root/root"
old=$(cd "$root"; echo root/bailiwick_"$version"-1_*.deb)
new=$(cd "$root"; echo root/bailiwick_"$version"-2_*.deb)

package --install "/$old"
# shellcheck disable=SC2016 # dpkg expands it
hold "it is installed" "$(installed '${db:Status-Status} ${Version}')" "installed $version-1"
hold "all files are as they were packed" "$(within dpkg --verify bailiwick)" ""
hold "it runs" "$(within bailiwick --version | cut -d' ' -f1,2)" "bailiwick $version"
hold "its group is there" "$(within getent group matrix-registrations | cut -d: -f1)" matrix-registrations
unit=usr/lib/systemd/system/bailiwick.service
hold "systemd accepts the unit" "$(within systemd-analyze verify "/$unit" 2>&1 | grep bailiwick.service || true)" ""
documentation=$(sed -n 's|^Documentation=file:/||p' "$root/$unit")
hold "what it names as documentation is there" "$(is_there "$documentation")" there
hold "it can be enabled" "$(within systemctl enable bailiwick 2>/dev/null; within systemctl is-enabled bailiwick)" enabled
hold "its manual is found" "$(within man --where bailiwick-check)" /usr/share/man/man1/bailiwick-check.1.gz
hold "bash completes it" \
  "$(within bash -c '. /usr/share/bash-completion/completions/bailiwick; COMP_WORDS=(bailiwick che); COMP_CWORD=1; _bailiwick bailiwick che bailiwick; echo "${COMPREPLY[@]}"')" check
hold "its settings are root's and its group's alone" "$(stat -c '%a %U:%G' "$root/etc/bailiwick/environment")" "640 root:root"

# As README.Debian says.
mkdir -p "$root/srv/registrations"
cp "$repository"/examples/registrations/*.yaml "$root/srv/registrations"
within chgrp -R matrix-registrations /srv/registrations
chmod 2750 "$root/srv/registrations"
chmod 0640 "$root"/srv/registrations/*.yaml
printf 'BAILIWICK_DIRS=/srv/registrations\nBAILIWICK_SERVER_NAME=example.com\nBAILIWICK_LISTEN=localhost:8794\n' \
  >>"$root/etc/bailiwick/environment"
# What systemd makes for it: StateDirectory and RuntimeDirectory, of a user that has the group, and no other rights.
group=$(within getent group matrix-registrations | cut -d: -f3)
user=61184 # the first of the numbers that systemd gives to dynamic users
install -d -o $user -g $user -m 0700 "$root/var/lib/private/bailiwick"
ln -s private/bailiwick "$root/var/lib/bailiwick"
chmod 0755 "$root/var/lib/private"
install -d -o $user -g $user -m 0755 "$root/run/bailiwick"
start() {
  read -ra words < <(sed -n 's/^ExecStart=//p' "$root/$unit")
  mapfile -t variables < <(grep '^BAILIWICK' "$root/etc/bailiwick/environment")
  # By itself, so that it is this process that is told to stop.
  chroot --userspec="$user:$user" --groups="$group" "$root" env -i PATH=/usr/bin:/bin "${variables[@]}" "${words[@]}" 2>"$work/log" &
  service=$!
  # Only what hangs takes so long.
  for _ in $(seq 300); do [ "$(health)" = well ] && return; sleep 0.1; done
  cat "$work/log"
}
stop() { kill "$service"; wait "$service" || true; service=; }
health() { within bailiwick health --unix-socket /run/bailiwick/bailiwick.sock >/dev/null 2>&1 && echo well || echo not; }
start
hold "started as the unit says, it is ready" "$(health)" well
hold "and keeps what is in force" "$(find "$root/var/lib/private/bailiwick" -type f | grep -c .)" \
  "$(find "$root/srv/registrations" -name '*.yaml' | grep -c .)"
package --install "/$new"
# shellcheck disable=SC2016 # dpkg expands it
hold "it is upgraded" "$(installed '${Version}')" "$version-2"
hold "meanwhile it answers" "$(health)" well
stop
start
hold "the new one goes on with what was set" "$(health)" well
stop
package --remove bailiwick
hold "removed, the program is gone and the settings stay" "$(is_there usr/bin/bailiwick) $(is_there etc/bailiwick/environment)" "gone there"
hold "and what it remembers" "$(is_there var/lib/private/bailiwick)" there
hold "its link is gone" "$(is_there etc/systemd/system/multi-user.target.wants/bailiwick.service)" gone
package --purge bailiwick
left=$(find "$root" -xdev -name '*bailiwick*' -not -path "$root/root/*" -not -path "$root/run/*" -not -path "$root/var/lib/dpkg/*" \
  -not -path "$root/var/cache/*" -not -path "$root/proc/*" | sed "s|$root||" | tr '\n' ' ')
hold "purged, nothing of it is left" "$left" ""
exit $failed
