# SPDX-License-Identifier: GPL-2.0-or-later
#
# judge.jq - the demo's promises, each with the figures that decide it

def verdict(kept; text): (if kept then "  kept      " else "  NOT KEPT  " end) + text;
def absolute: if . < 0 then -. else . end;
def share(part; whole): if whole == 0 then 100 else 100 * part / whole end;
def rounded: . * 10 | round / 10 | tostring;

.headroom_mib as $headroom
| (.guests[]
   | (.truth_hot_mib + .base_mib) as $truth
   | ([12, 0.1 * $truth] | max) as $allowed
   | verdict((.wss_mib - $truth | absolute) <= $allowed;
	"\(.name): working set \(.wss_mib | rounded) MiB measured, \($truth | rounded) MiB true (\(.truth_hot_mib | rounded) hot + \(.base_mib | rounded) the guest's own); \($allowed | rounded) off is allowed"),
     verdict(.oom_kills == 0 and .swap_in_pages == 0;
	"\(.name): \(.oom_kills) OOM kills, \(.swap_in_pages) pages swapped in"),
     verdict(.cold_pages > 0 and share(.cold_pages_far; .cold_pages) >= 95;
	"\(.name): \(.cold_pages_far) of \(.cold_pages) cold pages lie on the far node"),
     verdict(.hot_pages > 0 and share(.hot_pages_near; .hot_pages) >= 95;
	"\(.name): \(.hot_pages_near) of \(.hot_pages) hot pages lie on the near node")),
  (.guests[] | select(.name == "lazy")
   | (.balloon_before_mib - .truth_hot_mib - .base_mib - $headroom) as $spare
   | verdict(.balloon_before_mib - .balloon_after_mib >= 0.6 * $spare;
	"lazy: gave back \(.balloon_before_mib - .balloon_after_mib | rounded) of \($spare | rounded) MiB that are neither hot nor headroom; 60 % are asked for"),
     verdict(.grow_windows != null and .grow_windows <= 2;
	"lazy: memory was back \(.grow_windows) windows after the hot set grew; 2 are allowed"))
