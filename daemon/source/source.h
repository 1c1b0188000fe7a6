/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - where page data comes from
 *
 * Theory of operation
 *
 * Two kinds. A host source says what the processor saw of a VM's memory, index by index of its page map;
 * every VM needs one. A guest source adds what the guest's own kernel says of the same window; a VM can do
 * without.
 *
 * A scan goes chunk by chunk: harvest() takes a chunk's state since its last marking and marks it again at
 * once, so that no access falls between two windows. The window of a chunk is the time between these two,
 * measured. They may block, and are used by one thread at a time.
 */
#ifndef VMHEAT_SOURCE_SOURCE_H
#define VMHEAT_SOURCE_SOURCE_H

#include <glib.h>
#include "domain.h"
#include "guest_stream.h"
#include "page_map.h"

/** Where a source's failure lies: what the daemon does next depends on it. */
enum source_error {
	SOURCE_ERROR_UNAVAILABLE, /* the host lacks it (module not loaded, no permission): ask again later */
	SOURCE_ERROR_GONE,	  /* the VM has ended */
	SOURCE_ERROR_FAILED,	  /* this scan failed; the next one may work */
};
#define SOURCE_ERROR (source_error_quark())
GQuark source_error_quark(void);

/** Indices harvested at once: 256 MiB of pages. Bounds the memory of a scan. */
#define SOURCE_CHUNK_WORDS  1024u
#define SOURCE_CHUNK_PAGES  ((guint64)SOURCE_CHUNK_WORDS * 64)
#define SOURCE_CHUNK_LEAVES ((gsize)SOURCE_CHUNK_PAGES / PAGE_MAP_LEAF_PAGES)

/** What is told of one chunk. Behind the end of the map all is zero. */
struct host_chunk {
	guint64 present[SOURCE_CHUNK_WORDS]; /* these three: see struct host_view in merge.h */
	guint64 idle[SOURCE_CHUNK_WORDS];
	guint64 coarse[SOURCE_CHUNK_WORDS];
	guint64 large[SOURCE_CHUNK_LEAVES /
		      64];     /* a bit a leaf: pages of it are mapped, and only as part of it */
	gboolean first;	       /* this chunk had not been marked before: idle and coarse say nothing */
	double window_seconds; /* the shortest of its pages'; 0: of no page that is mapped one is known */
};

struct host_source; /* the instance, private to its file */

struct host_source_ops {
	const char *name; /* as shown to people: "module" */

	/* Ready to harvest @domain's memory as @map (which outlives the source) describes it. */
	struct host_source *(*open)(const struct domain *domain, const struct page_map *map, GError **error);

	/* Read and mark the chunk that begins at @index, a multiple of SOURCE_CHUNK_PAGES. */
	gboolean (*harvest)(struct host_source *source, guint64 index, struct host_chunk *chunk,
			    GError **error);

	/*
	 * Mark again what the daemon itself just moved: the pages whose bits are set in @moved, @words words from
	 * @index on, all of one chunk. The chunk's window goes on as it was, and so does what was seen of its other
	 * pages.
	 */
	gboolean (*mark)(struct host_source *source, guint64 index, gsize words, const guint64 *moved,
			 GError **error);

	void (*close)(struct host_source *source);
};

extern const struct host_source_ops host_source_module; /* kvm_idle.ko's /proc/PID/idle_bitmap */
extern const struct host_source_ops host_source_plugin; /* libvmheat-plugin.so's file, without KVM */

struct guest_source; /* the instance, private to its file */

struct guest_source_ops {
	const char *name; /* as shown to people: "agent" */

	struct guest_source *(*open)(const struct domain *domain, const struct page_map *map, GError **error);

	/* Ask for a scan now, and do not wait for the answer. */
	gboolean (*start)(struct guest_source *source, GError **error);

	/*
	 * Wait at most @timeout_ms for the answer. On TRUE *pages (of every index) and *end are valid
	 * until the next start(). A late, wrong or missing answer is an error that says which.
	 */
	gboolean (*finish)(struct guest_source *source, int timeout_ms, const struct guest_leaf **pages,
			   const struct vmheat_scan_end **end, GError **error);

	/* What was dropped so far, for people to see. */
	const struct guest_stream_counts *(*counts)(struct guest_source *source);

	/* After a finish() that was TRUE, until the next start(): @count cgroups of the guest, and whose memory it is. */
	const struct guest_cgroup *(*cgroups)(struct guest_source *source, gsize *count);

	/* What the guest says that it can tell, VMHEAT_GUEST_HAS_...; 0 as long as it has said nothing. */
	guint32 (*capabilities)(struct guest_source *source);

	void (*close)(struct guest_source *source);
};

extern const struct guest_source_ops guest_source_agent; /* vmheat-guest */

#endif /* VMHEAT_SOURCE_SOURCE_H */
