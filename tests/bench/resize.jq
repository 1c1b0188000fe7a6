# SPDX-License-Identifier: GPL-2.0-or-later
#
# resize.jq - what came of each policy: from a list of {policy, samples, status} to resize.json
#
# A sample is [seconds, guest, resident MiB, balloon MiB]. A status is what a guest's workload said before and after.

# The mean over time of column $n, each sample holding until the next.
def over_time($n): . as $rows |
	reduce range(1; length) as $i ({sum: 0, time: 0};
		($rows[$i][0] - $rows[$i - 1][0]) as $span
		| .sum += $rows[$i - 1][$n] * $span | .time += $span)
	| .sum / .time;

def round_to($digits): . * pow(10; $digits) | round / pow(10; $digits);

# What one guest did and suffered. Memory read again after its eviction counts as refaults, what of that came from
# swap space as swapped in, too.
def guest_of($status; $samples): . as $vm
	| ($status[] | select(.vm == $vm and .when == "before")) as $before
	| ($status[] | select(.vm == $vm and .when == "after")) as $after
	| [$samples[] | select(.[1] == $vm) | [(.[0] | tonumber), .[1], (.[2] | tonumber), (.[3] | tonumber)]] as $rows
	| {name: $vm, resident_mib: ($rows | over_time(2)), resident_end_mib: $rows[-1][2],
	   balloon_mib: ($rows | over_time(3)), balloon_end_mib: $rows[-1][3],
	   seconds: (($after.clock_ms - $before.clock_ms) / 1000),
	   work_pages: ($after.work_pages - $before.work_pages),
	   work_a_second: (($after.work_pages - $before.work_pages) * 1000 / ($after.clock_ms - $before.clock_ms)), work_ms: ($after.work_ms - $before.work_ms),
	   late_rounds: $after.late_rounds,
	   swapped_in_mib: (($after.pswpin - $before.pswpin) / 256),
	   swapped_out_mib: (($after.pswpout - $before.pswpout) / 256),
	   refault_mib: (($after.refault_anon + $after.refault_file - $before.refault_anon - $before.refault_file) / 256),
	   oom_kills: $after.oom_kill, corrupt_pages: $after.corrupt};

def policy_of: . as $run
	| [("lazy", "busy") | guest_of($run.status; $run.samples)] as $guests
	| def sum(f): [$guests[] | f] | add;
	{policy: $run.policy, resident_mib: sum(.resident_mib), work_pages: sum(.work_pages),
	 work_a_second: sum(.work_a_second),
	 round_ms: (sum(.work_ms) * 12800 / sum(.work_pages)), late_rounds: sum(.late_rounds),
	 swapped_in_mib: sum(.swapped_in_mib), refault_mib: sum(.refault_mib), oom_kills: sum(.oom_kills),
	 corrupt_pages: sum(.corrupt_pages), $guests};

[.[] | policy_of] as $all
| $all[0] as $static
| [$all[] | . + {saved_mib: ($static.resident_mib - .resident_mib),
		 saved_percent: (100 * (1 - .resident_mib / $static.resident_mib)),
		 work_lost_percent: (100 * (1 - .work_a_second / $static.work_a_second) | round_to(2))}] as $policies
| ($policies[] | select(.policy == "mom")) as $mom
| ($policies[] | select(.policy == "vmheat")) as $vmheat
| def goal($what; $value; $wanted; $met): {$what, value: ($value | round_to(2)), $wanted, $met};
{$machine, emulated: true,
 note: "of times only ratios mean something. Resident: what the QEMUs of both guests hold of the host, on average over the time; saved: less of it than with static sizes. Work: pages touched in rounds that are due each second, by the guest's clock; round_ms: what a round over 50 MiB took.",
 $policies,
 goals: [
	goal("memory saved, times what MOM saves"; if $mom.saved_mib > 0 then $vmheat.saved_mib / $mom.saved_mib else 0 end;
	     "at least 1.5"; $vmheat.saved_mib >= 1.5 * $mom.saved_mib and $vmheat.saved_mib > 0),
	goal("work lost, percent"; $vmheat.work_lost_percent; "at most 1"; $vmheat.work_lost_percent <= 1),
	goal("OOM kills of all runs"; [$policies[].oom_kills] | add; "0"; [$policies[].oom_kills] | add == 0)]}
