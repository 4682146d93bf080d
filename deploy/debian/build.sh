#!/bin/bash
# Makes a Debian package of a binary: with the unit, settings, manual pages, completions and the documentation.
#
#   cargo build --profile dist --locked
#   deploy/debian/build.sh target/dist/bailiwick [VERSION]
#
# Writes bailiwick_VERSION_ARCHITECTURE.deb into the directory where it is called. The version is that of the binary with the
# revision 1, unless it is given. Needs dpkg-deb and binutils; a static binary (docs/deployment.md) makes a package that
# depends on no C library. With SOURCE_DATE_EPOCH set, the same binary makes the same package; MAINTAINER says who answers for
# it (`Name <address>`).
set -euo pipefail

binary=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/../..")
version=${2:-$("$binary" --version | cut -d' ' -f2)-1}
architecture=$(dpkg --print-architecture)
package=bailiwick_${version}_$architecture
date=$(date --utc --rfc-email --date "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
maintainer=${MAINTAINER:-The bailiwick developers <bailiwick@localhost>}
work=$(mktemp -d /tmp/bailiwick-deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
root=$work/$package
umask 022

# The oldest C library that has what the binary asks for; a static one asks for none.
libc=$(objdump -T "$binary" 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1 | cut -d_ -f2 || true)
needs="${libc:+libc6 (>= $libc), libgcc-s1, }passwd"

install -D -m 0755 "$binary" "$root/usr/bin/bailiwick"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/bailiwick"
unit=$root/usr/lib/systemd/system/bailiwick.service
mkdir -p "$(dirname "$unit")"
# What is installed by hand lives under /usr/local, what dpkg installs does not.
sed 's|/usr/local/bin/bailiwick|/usr/bin/bailiwick|' "$repository/deploy/systemd/bailiwick.service" >"$unit"
grep -q 'ExecStart=/usr/bin/bailiwick serve' "$unit"

"$binary" man "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
completions() { mkdir -p "$(dirname "$root/$2")"; "$binary" completions "$1" >"$root/$2"; }
completions bash usr/share/bash-completion/completions/bailiwick
completions zsh usr/share/zsh/vendor-completions/_bailiwick
completions fish usr/share/fish/vendor_completions.d/bailiwick.fish

documentation=$root/usr/share/doc/bailiwick
mkdir -p "$documentation"
cp -R "$repository"/README.md "$repository"/docs "$repository"/examples "$documentation"
cp -R "$repository"/deploy/{caddy,grafana,nginx,prometheus} "$documentation/examples"
find "$documentation" \( -name '*.py' -o -name '*.rs' -o -name .gitignore \) -delete
find "$documentation" -type d -empty -delete
install -m 0644 "$repository/deploy/debian/README.Debian" "$documentation"
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: bailiwick\n\n'
  printf 'Files: *\nCopyright: %s\nLicense: Expat or Apache-2.0\n\n' "$(sed -n 's/^Copyright (c) //p' "$repository/LICENSE-MIT")"
  printf 'License: Expat\n'
  sed -n '/^Permission/,$s/^/ /p' "$repository/LICENSE-MIT" | sed 's/^ $/ ./'
  printf '\nLicense: Apache-2.0\n On Debian systems, it is /usr/share/common-licenses/Apache-2.0.\n'
} >"$documentation/copyright"
gzip -9nc "$repository/CHANGELOG.md" >"$documentation/changelog.gz"
printf 'bailiwick (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "$version" "$maintainer" "$date" |
  gzip -9n >"$documentation/changelog.Debian.gz"
install -D -m 0644 "$repository/deploy/debian/lintian-overrides" "$root/usr/share/lintian/overrides/bailiwick"
# A static program that can be placed anywhere looks like a library.
[ -n "$libc" ] || echo 'bailiwick: shared-library-lacks-prerequisites [usr/bin/bailiwick]' >>"$root/usr/share/lintian/overrides/bailiwick"
chmod -R u=rwX,go=rX "$root/usr"

install -D -m 0640 "$repository/deploy/debian/environment" "$root/etc/bailiwick/environment"

mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: bailiwick
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Section: net
Priority: optional
Depends: $needs
Recommends: systemd
Installed-Size: $(du -ks --apparent-size "$root/usr" "$root/etc" | awk '{sum += $1} END {print sum}')
Description: says who owns which part of a Matrix homeserver's namespace
 Watches the registrations of a Matrix homeserver's application services
 (bridges and bots), and answers over JSON, as the homeserver would, who owns
 an ID, who may register it, and where registrations collide.
CONTROL
echo /etc/bailiwick/environment >"$root/DEBIAN/conffiles"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
for script in postinst prerm postrm; do install -m 0755 "$repository/deploy/debian/$script" "$root/DEBIAN/$script"; done

dpkg-deb --root-owner-group --build "$root" "$package.deb"
