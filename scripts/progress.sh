# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# progress.sh - says what is being waited for
#
# On a terminal one line is rewritten in place; elsewhere (CI logs) a line is added every ten seconds. Everything goes
# to stderr, so that stdout stays a program's result.

progress_next=$((SECONDS + 10))

# progress TEXT: shows what goes on now.
progress() {
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$1" >&2
	elif [ "$SECONDS" -ge "$progress_next" ]; then
		printf '%s\n' "$1" >&2
		progress_next=$((SECONDS + 10))
	fi
}

# progress_end: makes the line free for other output.
progress_end() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# The other half of step. Ends with the script that started it, however that ends.
progress_ticker() {
	local what=$1 started=$2
	while sleep 1 && kill -0 $$ 2>/dev/null; do
		progress "$what: $((SECONDS - started)) s"
	done
}

# step WHAT LOG COMMAND...: runs a long command with its output in LOG; shows the time it takes and, if it fails, the
# end of the log. Returns the command's exit code. A function as COMMAND must check each of its own commands (&&).
step() {
	local what=$1 log=$2 code=0 started=$SECONDS ticker
	shift 2
	progress_ticker "$what" "$started" &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null || code=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	progress_end
	if [ "$code" -ne 0 ]; then
		echo "$what: failed with exit code $code after $((SECONDS - started)) s. The end of $log:" >&2
		tail -n 25 "$log" | sed 's/^/  | /' >&2
	else
		echo "$what: done in $((SECONDS - started)) s" >&2
	fi
	return "$code"
}
