/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_stream.c - reads what the agent sends (guest_protocol.h), trusting nothing
 *
 * Theory of operation
 *
 * Unread bytes lie in one buffer. Its front is always a candidate: bytes that may yet become a frame. A
 * candidate is checked as far as it has come, header first, then a PAGES payload run by run, and is rejected
 * at the first byte that breaks a rule, not when the length that it claims has arrived. That matters when an
 * agent dies in mid-frame: the HELLO of its successor ends up in the old frame's payload, breaks it (the
 * reserved field of a header is a run of zero pages wherever it falls), and is found in its turn.
 *
 * Invariants
 * - A payload is applied only when the whole of it has been checked: a broken frame leaves no trace but
 *   a count.
 * - A rejected candidate loses its magic and nothing else; the search goes on inside it.
 * - Time is linear in the bytes pushed. The buffer holds two frames, an unfinished candidate is shorter
 *   than one, so bytes are moved to the front only after at least a frame's worth of them was consumed.
 *   A byte is checked again only as part of another candidate, and candidates within a PAGES payload end
 *   each other.
 */
#include "guest_stream.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_SIZE_MAX	 (sizeof(struct vmheat_frame_header) + VMHEAT_FRAME_PAYLOAD_MAX)
#define PAYLOAD_GFN_SIZE sizeof(uint64_t) /* what a PAGES payload begins with */
#define RUN_SIZE_MIN	 2		  /* page byte and one byte of length */
#define HELLO_SIZE_MIN	 sizeof(struct vmheat_hello)
#define END_SIZE_MIN	 offsetof(struct vmheat_scan_end, flags) /* what every SCAN_END has */
#define PAGE_SHIFT	 12
#define ERRNO_MAX	 4095 /* the kernel's own bound, include/linux/err.h */

/** What is known of the candidate at the front of the buffer. */
enum verdict {
	VERDICT_INCOMPLETE, /* right so far */
	VERDICT_GOOD,
	VERDICT_BAD,
};

struct guest_stream {
	const struct page_map *map;
	struct guest_leaf *pages; /* of every index of the map */

	enum guest_scan_state state;
	uint32_t sequence;
	uint64_t next_gfn; /* where the scan's next run may begin at the earliest */
	size_t next_range; /* the map's first range that ends behind next_gfn */

	bool have_hello;
	bool have_end;
	struct vmheat_hello hello;
	struct vmheat_scan_end end;
	size_t cgroup_count;
	uint64_t cgroup_pages; /* of all of them */
	struct guest_cgroup cgroups[VMHEAT_CGROUPS_MAX];
	char error_text[VMHEAT_ERROR_TEXT_MAX + 1];
	struct guest_stream_counts counts;

	/* How far the candidate's PAGES payload has been checked. */
	struct {
		size_t length; /* payload bytes; 0: nothing yet */
		uint64_t gfn;  /* that the next run begins with */
	} checked;

	size_t start;  /* of the candidate */
	size_t length; /* bytes from there on */
	uint8_t buffer[2 * FRAME_SIZE_MAX];
};

static const char *const state_names[] = {
	[GUEST_SCAN_NONE] = "none",
	[GUEST_SCAN_PENDING] = "pending",
	[GUEST_SCAN_COMPLETE] = "complete",
	[GUEST_SCAN_FAILED] = "failed",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == GUEST_SCAN_STATES, "every state has a name");

/* Payload lengths that a frame from the guest may have. A type that is not here is not for a guest to send.
 */
static const struct {
	uint32_t min, max;
} payload_lengths[] = {
	[VMHEAT_FRAME_HELLO] = { HELLO_SIZE_MIN, VMHEAT_GROWING_PAYLOAD_MAX },
	[VMHEAT_FRAME_PAGES] = { PAYLOAD_GFN_SIZE + RUN_SIZE_MIN, VMHEAT_FRAME_PAYLOAD_MAX },
	[VMHEAT_FRAME_SCAN_END] = { END_SIZE_MIN, VMHEAT_GROWING_PAYLOAD_MAX },
	[VMHEAT_FRAME_ERROR] = { sizeof(struct vmheat_error),
				 sizeof(struct vmheat_error) + VMHEAT_ERROR_TEXT_MAX },
	[VMHEAT_FRAME_CGROUP] = { sizeof(struct vmheat_cgroup),
				  sizeof(struct vmheat_cgroup) + VMHEAT_CGROUP_PATH_MAX },
};
#define FRAME_TYPES (sizeof(payload_lengths) / sizeof(payload_lengths[0]))

const char *guest_scan_state_name(enum guest_scan_state state)
{
	return (unsigned int)state < GUEST_SCAN_STATES ? state_names[state] : "invalid";
}

struct guest_stream *guest_stream_new(const struct page_map *map)
{
	struct guest_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->map = map;
	stream->pages = calloc(guest_pages_leaves(map->index_count), sizeof(*stream->pages));
	if (!stream->pages) {
		free(stream);
		return NULL;
	}
	return stream;
}

void guest_stream_free(struct guest_stream *stream)
{
	if (!stream)
		return;
	free(stream->pages);
	free(stream);
}

void guest_stream_start_scan(struct guest_stream *stream, uint32_t sequence)
{
	stream->state = GUEST_SCAN_PENDING;
	stream->sequence = sequence;
	stream->next_gfn = 0;
	stream->next_range = 0;
	stream->cgroup_count = 0;
	stream->cgroup_pages = 0;
	/* A candidate that was begun for the last scan is measured by the rules of this one. */
	stream->checked.length = 0;
	memset(stream->pages, 0, guest_pages_leaves(stream->map->index_count) * sizeof(*stream->pages));
}

/* One past the last gfn that a run may cover: the end of the VM's memory, or of what the agent itself
 * announced. */
static uint64_t gfn_limit(const struct guest_stream *stream)
{
	const struct page_map *map = stream->map;
	const struct ram_range *last = &map->ranges[map->range_count - 1].ram;
	uint64_t limit = last->gfn + last->pages;

	if (stream->have_hello && stream->hello.end_gfn < limit)
		limit = stream->hello.end_gfn;
	return limit;
}

/* Whether a frame is part of the answer that is awaited. */
static bool is_current(const struct guest_stream *stream, const struct vmheat_frame_header *header)
{
	return stream->state == GUEST_SCAN_PENDING && header->sequence == stream->sequence;
}

static uint64_t load_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

static uint32_t load_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

/*
 * decode_run() - decode the run that begins at @bytes
 * @size:  bytes that it takes go here, if the verdict is good
 * @pages: its length in pages, at least 1, goes here, likewise
 */
static enum verdict decode_run(const uint8_t *bytes, size_t available, size_t *size, uint64_t *pages)
{
	uint64_t value = 0;

	if (available && bytes[0] & VMHEAT_PAGE_RESERVED)
		return VERDICT_BAD;
	for (size_t i = 0; i < VMHEAT_RUN_LENGTH_BYTES_MAX; i++) {
		if (available < i + 2)
			return VERDICT_INCOMPLETE;

		uint8_t byte = bytes[i + 1];

		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		/* A last byte of zero is a run of no pages, or a length written longer than it needs to be.
		 */
		if (byte == 0)
			return VERDICT_BAD;
		*size = i + 2;
		*pages = value;
		return VERDICT_GOOD;
	}
	return VERDICT_BAD;
}

/* Check the part of a PAGES payload that has come and was not checked yet. */
static enum verdict check_pages(struct guest_stream *stream, const struct vmheat_frame_header *header,
				const uint8_t *payload, size_t available)
{
	uint64_t limit = gfn_limit(stream);

	if (stream->have_hello && stream->hello.page_shift != PAGE_SHIFT)
		return VERDICT_BAD;
	if (stream->checked.length == 0) {
		if (available < PAYLOAD_GFN_SIZE)
			return VERDICT_INCOMPLETE;
		stream->checked.gfn = load_u64(payload);
		stream->checked.length = PAYLOAD_GFN_SIZE;
		if (stream->checked.gfn >= limit)
			return VERDICT_BAD;
		if (is_current(stream, header) && stream->checked.gfn < stream->next_gfn)
			return VERDICT_BAD;
	}
	while (stream->checked.length < header->length) {
		size_t size;
		uint64_t pages;
		enum verdict verdict = decode_run(payload + stream->checked.length,
						  available - stream->checked.length, &size, &pages);

		if (verdict == VERDICT_INCOMPLETE && available == header->length)
			return VERDICT_BAD; /* the frame ends within the run */
		if (verdict != VERDICT_GOOD)
			return verdict;
		if (pages > limit - stream->checked.gfn)
			return VERDICT_BAD;
		stream->checked.gfn += pages;
		stream->checked.length += size;
	}
	return VERDICT_GOOD;
}

static enum verdict check_header(const struct vmheat_frame_header *header)
{
	if (header->version != VMHEAT_PROTOCOL_VERSION || header->reserved != 0)
		return VERDICT_BAD;
	if (header->type >= FRAME_TYPES || payload_lengths[header->type].max == 0)
		return VERDICT_BAD;
	if (header->length < payload_lengths[header->type].min ||
	    header->length > payload_lengths[header->type].max)
		return VERDICT_BAD;
	return VERDICT_GOOD;
}

/* Check the candidate as far as it has come; it begins with the magic. The header is valid if the verdict is
 * good. */
static enum verdict check_candidate(struct guest_stream *stream, struct vmheat_frame_header *header)
{
	const uint8_t *bytes = stream->buffer + stream->start;
	size_t available;

	if (stream->length < sizeof(*header))
		return VERDICT_INCOMPLETE;
	memcpy(header, bytes, sizeof(*header));
	header->reserved = le16toh(header->reserved);
	header->sequence = le32toh(header->sequence);
	header->length = le32toh(header->length);
	if (check_header(header) == VERDICT_BAD)
		return VERDICT_BAD;

	bytes += sizeof(*header);
	available = stream->length - sizeof(*header);
	if (available > header->length)
		available = header->length;
	if (header->type == VMHEAT_FRAME_PAGES)
		return check_pages(stream, header, bytes, available);
	if (available < header->length)
		return VERDICT_INCOMPLETE;
	if (header->type == VMHEAT_FRAME_ERROR) {
		uint32_t error = load_u32(bytes);

		return error > 0 && error <= ERRNO_MAX ? VERDICT_GOOD : VERDICT_BAD;
	}
	return VERDICT_GOOD;
}

/* Store one run; what of it is not the VM's memory is counted only. A page of which nothing is said claims
 * nothing. */
static void store_run(struct guest_stream *stream, uint64_t gfn, uint64_t pages, uint8_t page)
{
	const struct page_map *map = stream->map;
	uint64_t end = gfn + pages;
	uint64_t stored = 0;

	while (stream->next_range < map->range_count &&
	       map->ranges[stream->next_range].ram.gfn + map->ranges[stream->next_range].ram.pages <= gfn)
		stream->next_range++;
	for (size_t i = stream->next_range; i < map->range_count && map->ranges[i].ram.gfn < end; i++) {
		const struct ram_range *ram = &map->ranges[i].ram;
		uint64_t first = gfn > ram->gfn ? gfn : ram->gfn;
		uint64_t last = end < ram->gfn + ram->pages ? end : ram->gfn + ram->pages;

		guest_pages_fill(stream->pages, map->ranges[i].index + (first - ram->gfn), last - first,
				 page);
		stored += last - first;
	}
	if (page)
		stream->counts.foreign_pages += pages - stored;
}

/* Take over a PAGES payload that check_pages() called good. */
static void take_pages(struct guest_stream *stream, const uint8_t *payload, size_t length)
{
	uint64_t gfn = load_u64(payload);
	size_t size;
	uint64_t pages;

	for (size_t at = PAYLOAD_GFN_SIZE; at < length; at += size) {
		if (decode_run(payload + at, length - at, &size, &pages) != VERDICT_GOOD)
			return;
		store_run(stream, gfn, pages, payload[at]);
		gfn += pages;
	}
	stream->next_gfn = gfn;
}

static void take_hello(struct guest_stream *stream, const uint8_t *payload)
{
	memcpy(&stream->hello, payload, sizeof(stream->hello));
	stream->hello.capabilities = le32toh(stream->hello.capabilities);
	stream->hello.page_shift = le32toh(stream->hello.page_shift);
	stream->hello.end_gfn = le64toh(stream->hello.end_gfn);
	stream->have_hello = true;
}

/* A structure of @count numbers of 8 bytes each, of which @length bytes came: what did not is 0. */
static void take_numbers(uint64_t *fields, size_t count, const uint8_t *payload, size_t length)
{
	for (size_t i = 0; i < count; i++)
		fields[i] = (i + 1) * sizeof(*fields) <= length ? load_u64(payload + i * sizeof(*fields)) : 0;
}

/* SCAN_END and CGROUP are nothing but numbers; their sizes are asserted where they are declared. */
#define NUMBERS(structure) ((uint64_t *)(structure)), sizeof(*(structure)) / sizeof(uint64_t)

static void take_scan_end(struct guest_stream *stream, const uint8_t *payload, size_t length)
{
	take_numbers(NUMBERS(&stream->end), payload, length);
	stream->have_end = true;
	stream->state = GUEST_SCAN_COMPLETE;
}

/* Keep the guest's text, and nothing of it that a terminal or a log could take for a command. */
static void take_text(char *to, const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = text[i] >= 0x20 && text[i] <= 0x7e ? (char)text[i] : '?';
	to[size] = '\0';
}

static void take_error(struct guest_stream *stream, const uint8_t *payload, size_t length)
{
	take_text(stream->error_text, payload + sizeof(struct vmheat_error),
		  length - sizeof(struct vmheat_error));
	stream->state = GUEST_SCAN_FAILED;
}

/* All pages of a cgroup; UINT64_MAX if they are more than that. */
static uint64_t sum_of(const struct vmheat_cgroup *pages)
{
	const uint64_t parts[] = { pages->idle_anon_pages, pages->idle_file_pages, pages->accessed_anon_pages,
				   pages->accessed_file_pages, pages->unknown_pages };
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i] > UINT64_MAX - sum)
			return UINT64_MAX;
		sum += parts[i];
	}
	return sum;
}

static void take_cgroup(struct guest_stream *stream, const uint8_t *payload, size_t length)
{
	struct guest_cgroup cgroup;
	uint64_t sum;

	take_numbers(NUMBERS(&cgroup.pages), payload, sizeof(cgroup.pages));
	take_text(cgroup.path, payload + sizeof(cgroup.pages), length - sizeof(cgroup.pages));
	sum = sum_of(&cgroup.pages);
	if (stream->cgroup_count == VMHEAT_CGROUPS_MAX ||
	    sum > stream->map->page_count - stream->cgroup_pages ||
	    cgroup.pages.idle_unmapped_pages > cgroup.pages.idle_file_pages) {
		stream->counts.excess_cgroups++;
		return;
	}
	stream->cgroup_pages += sum;
	stream->cgroups[stream->cgroup_count++] = cgroup;
}

static void take_frame(struct guest_stream *stream, const struct vmheat_frame_header *header)
{
	const uint8_t *payload = stream->buffer + stream->start + sizeof(*header);

	stream->counts.frames++;
	if (header->type == VMHEAT_FRAME_HELLO) {
		take_hello(stream, payload);
		return;
	}
	if (!is_current(stream, header)) {
		stream->counts.stale_frames++;
		return;
	}
	if (header->type == VMHEAT_FRAME_PAGES)
		take_pages(stream, payload, header->length);
	else if (header->type == VMHEAT_FRAME_SCAN_END)
		take_scan_end(stream, payload, header->length);
	else if (header->type == VMHEAT_FRAME_CGROUP)
		take_cgroup(stream, payload, header->length);
	else
		take_error(stream, payload, header->length);
}

static void consume(struct guest_stream *stream, size_t size)
{
	stream->start += size;
	stream->length -= size;
	stream->checked.length = 0;
}

/* Pass over everything that cannot be the beginning of a magic. */
static void find_magic(struct guest_stream *stream)
{
	const uint32_t value = htole32(VMHEAT_FRAME_MAGIC);
	uint8_t magic[sizeof(value)];

	memcpy(magic, &value, sizeof(magic));
	while (stream->length) {
		const uint8_t *bytes = stream->buffer + stream->start;
		const uint8_t *found = memchr(bytes, magic[0], stream->length);
		size_t skip = found ? (size_t)(found - bytes) : stream->length;

		if (skip == 0) {
			size_t size = stream->length < sizeof(magic) ? stream->length : sizeof(magic);

			if (memcmp(bytes, magic, size) == 0)
				return;
			skip = 1;
		}
		stream->counts.skipped_bytes += skip;
		consume(stream, skip);
	}
}

/* Take every frame out of the buffer that is there as a whole. */
static void parse(struct guest_stream *stream)
{
	for (;;) {
		struct vmheat_frame_header header;
		enum verdict verdict;

		find_magic(stream);
		verdict = check_candidate(stream, &header);
		if (verdict == VERDICT_INCOMPLETE)
			return;
		if (verdict == VERDICT_GOOD) {
			take_frame(stream, &header);
			consume(stream, sizeof(header) + header.length);
		} else {
			stream->counts.bad_frames++;
			stream->counts.skipped_bytes += sizeof(header.magic);
			consume(stream, sizeof(header.magic));
		}
	}
}

void guest_stream_push(struct guest_stream *stream, const uint8_t *bytes, size_t length)
{
	stream->counts.bytes += length;
	while (length) {
		size_t end = stream->start + stream->length;
		size_t size = sizeof(stream->buffer) - end;

		if (size == 0) {
			memmove(stream->buffer, stream->buffer + stream->start, stream->length);
			stream->start = 0;
			continue;
		}
		if (size > length)
			size = length;
		memcpy(stream->buffer + end, bytes, size);
		stream->length += size;
		bytes += size;
		length -= size;
		parse(stream);
	}
}

void guest_stream_reconnected(struct guest_stream *stream)
{
	stream->counts.skipped_bytes += stream->length;
	consume(stream, stream->length);
}

enum guest_scan_state guest_stream_state(const struct guest_stream *stream)
{
	return stream->state;
}

const struct guest_leaf *guest_stream_pages(const struct guest_stream *stream)
{
	return stream->pages;
}

const struct guest_cgroup *guest_stream_cgroups(const struct guest_stream *stream, size_t *count)
{
	*count = stream->cgroup_count;
	return stream->cgroups;
}

const struct vmheat_scan_end *guest_stream_end(const struct guest_stream *stream)
{
	return stream->have_end ? &stream->end : NULL;
}

const struct vmheat_hello *guest_stream_hello(const struct guest_stream *stream)
{
	return stream->have_hello ? &stream->hello : NULL;
}

const char *guest_stream_error_text(const struct guest_stream *stream)
{
	return stream->error_text;
}

const struct guest_stream_counts *guest_stream_counts(const struct guest_stream *stream)
{
	return &stream->counts;
}
