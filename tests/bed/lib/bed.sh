# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bed.sh - all that a job in the emulated VM host may use; a job begins with
#
#   . "$BED_ROOT/tests/bed/lib/bed.sh"
#
# What stage2 gives each job: BED_ROOT the checkout, BED_MODULE kvm_idle.ko as built for this kernel, BED_FAULTS a folder
# with the modules of tests/bed/faults likewise, BED_JOB the job's name, BED_OUT its folder in the report.

: "${BED_ROOT:?not inside the emulated VM host: run this with tests/bed/bed run}"

# bed_wait_until SECONDS COMMAND...: until the command succeeds; fails after that time.
bed_wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "waited in vain for: $*" >&2
			return 1
		fi
		sleep 0.2
	done
}

# shellcheck source=tests/bed/lib/tap.sh
. "$BED_ROOT/tests/bed/lib/tap.sh"
# shellcheck source=tests/bed/lib/libvirt.sh
. "$BED_ROOT/tests/bed/lib/libvirt.sh"
# shellcheck source=tests/bed/lib/guest.sh
. "$BED_ROOT/tests/bed/lib/guest.sh"
# shellcheck source=tests/bed/lib/module.sh
. "$BED_ROOT/tests/bed/lib/module.sh"
# shellcheck source=tests/bed/lib/daemon.sh
. "$BED_ROOT/tests/bed/lib/daemon.sh"
