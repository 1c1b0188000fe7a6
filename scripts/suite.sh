# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# suite.sh - packages of a Debian suite that is none of this machine's sources: backports, sid
#
# They come from the archive that this machine's own packages come from, and nothing of it is installed: package
# lists stand apart, and for apt this machine is empty.

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
apt_options=(-o APT::Sandbox::User="$(id -un)")

# suite_open SUITE FOLDER: fetches its package lists into the folder. From then on "${apt_options[@]}" is about it
# alone.
suite_open() {
	local archive
	# Machines name their release by its own name, or as "stable" or the like.
	# shellcheck disable=SC2016 # for apt to expand
	archive=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE) $(CODENAME)' 'Created-By: Packages' |
		awk -v name="$codename" '!/^cdrom:/ && $2 == "main" && ($3 == name || $4 == name) { print $1; exit }') || return
	if [ -z "$archive" ]; then
		echo "none of this machine's package sources is the main archive of $codename"
		return 1
	fi
	apt_options+=(-o Dir::Etc::sourcelist="$2/suite.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$2/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o Dir::State::status=/dev/null)
	mkdir -p "$2/lists/partial" &&
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$2/suite.list" &&
		apt-get "${apt_options[@]}" update
}

# suite_needed PACKAGE...: prints them and all that they depend on, as PACKAGE=VERSION.
suite_needed() {
	apt-get "${apt_options[@]}" --simulate --no-install-recommends install "$@" |
		sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p'
}

# suite_unpack FOLDER PACKAGE...: downloads packages into the folder, and unpacks them into FOLDER/unpacked.
suite_unpack() {
	local folder=$1 package
	shift
	mkdir -p "$folder/unpacked" && cd "$folder" && apt-get "${apt_options[@]}" download "$@" || return
	for package in ./*.deb; do
		dpkg-deb -x "$package" unpacked || return
	done
}
