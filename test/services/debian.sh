# Programs of Debian's packages without installing them; sourced by the scripts that need it, after lib.sh.

# debian_packages SUITE FOLDER "PACKAGE…" [PATTERN]: unpacks packages of a Debian suite, with all that they need, into a
# folder. PATTERN names what is left out: dependencies of installation scripts, which are not run.
debian_packages() {
  local suite=$1 folder=$2 packages=$3 skip=${4:-^$} apt=$home/apt archives=$2.archives package
  rm -rf "$folder" "$archives" "$apt"
  mkdir -p "$folder"/usr/{bin,sbin,lib,lib64} "$archives/partial" "$apt/lists/partial" "$apt/sources"
  : >"$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $suite main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt"; Dir::State::lists "$apt/lists"; Dir::State::status "$apt/status";
Dir::Cache "$apt"; Dir::Cache::archives "$archives";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/sources"; Dir::Etc::preferencesparts "$apt/sources";
APT::Install-Recommends "false"; Acquire::Languages "none"; APT::Sandbox::User "root";
CONF
  APT_CONFIG=$apt/apt.conf apt-get update -qq >&2
  # shellcheck disable=SC2086 # a list of packages
  APT_CONFIG=$apt/apt.conf apt-get install -y -qq --download-only $packages >&2

  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$folder/$dir"; done
  for package in "$archives"/*.deb; do
    [[ ${package##*/} =~ $skip ]] && continue
    dpkg-deb --fsys-tarfile "$package" |
      tar -x -C "$folder" --keep-directory-symlink --exclude=./usr/share/{doc,man,locale} -f -
  done
  rm -rf "$archives" "$apt"
}

# debian_root SUITE ROOT "PACKAGE…" [PATTERN]: the same, as a folder that `in_root` makes the root of. Must be run as root.
debian_root() {
  debian_packages "$@"
  (
    cd "$2"
    mkdir -p dev/shm tmp data run proc
    chmod 1777 tmp dev/shm
    mknod -m 666 dev/null c 1 3
    mknod -m 666 dev/zero c 1 5
    mknod -m 666 dev/random c 1 8
    mknod -m 666 dev/urandom c 1 9
    printf 'root:x:0:0::/:/bin/sh\nserver:x:999:999::/:/bin/sh\n' >etc/passwd
    printf 'root:x:0:\nserver:x:999:\n' >etc/group
    echo '127.0.0.1 localhost' >etc/hosts
    echo 'hosts: files' >etc/nsswitch.conf
    chown 999:999 data
    ldconfig -r .
  )
}

# Where this machine takes its own packages from.
debian_mirror() {
  local mirror
  mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list)
  [ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt: these servers need a Debian machine" >&2; return 1; }
  echo "$mirror"
}

# in_root ROOT COMMAND...: runs it there as the user `server`, without this shell's environment.
in_root() { chroot --userspec=999:999 "$1" /usr/bin/env -i "${root_env[@]}" "${@:2}"; }
in_root_background() { background chroot --userspec=999:999 "$1" /usr/bin/env -i "${root_env[@]}" "${@:2}"; }
root_env=(PATH=/usr/bin:/usr/sbin HOME=/tmp LC_ALL=C.UTF-8 TZ=UTC)
