/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_agent.c - guest source "agent": vmheat-guest, on the domain's virtio-serial port or by vsock
 *
 * Theory of operation
 *
 * QEMU offers the port as a unix socket and passes bytes on, whether or not an agent listens in the guest. So
 * connecting says nothing; the agent is there when it answers. start() connects if need be and sends SCAN,
 * finish() feeds what comes to the parser (guest_stream.h) until the answer is whole. Neither ever waits
 * longer than it is told to: the socket is non-blocking.
 *
 * A domain without that port but with a vsock device is asked by vsock: the agent listens, and the host connects to the
 * domain's CID. The host's kernel gives a CID to one VM at a time, and it is QEMU that holds it. So if the domain's
 * process still lives when the connection stands, it is to this domain and no other; and a guest, which cannot connect
 * to the daemon at all, cannot pose as another. Unlike the port, a guest must answer before a connection stands: start()
 * waits a moment for that.
 *
 * The guest is not trusted. What it says is checked by the parser; here it is bounded how much it may say
 * between two requests, for every byte is work. An answer at its longest takes two bytes a page and little
 * more; twice that leaves room for the late answer to the request before.
 *
 * The connection is dropped, and made anew by the next start(), when it breaks, when the agent sends too
 * much, and when nothing at all came in time: then requests would pile up in front of an agent that is not
 * there. An answer that is merely late is left to come; the next request has another sequence number. The
 * numbers begin at random, so that an answer to a daemon that ran before is not taken for one's own.
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "source.h"

#define READ_BYTES 65536u

/* How long start() waits for a vsock connection. A guest that runs answers at once. */
#define VSOCK_WAIT_MS 250

/* What an agent may send for each page of the VM, and besides. */
#define BYTES_PER_PAGE 4u
#define BYTES_BESIDES  1048576u

struct guest_source {
	const struct domain *domain;
	char *name;
	char *path; /* of the port's socket; NULL: by vsock */
	int socket; /* -1: not connected */
	struct guest_stream *stream;
	guint32 sequence;    /* of the last request */
	guint64 bytes_limit; /* a scan */
	guint64 bytes;	     /* since the last request */
	guint8 buffer[READ_BYTES];
};

/* Make an error whose message begins with the VM and its agent. Always FALSE. */
G_GNUC_PRINTF(4, 5)
static gboolean fail(const struct guest_source *source, enum source_error code, GError **error,
		     const char *format, ...)
{
	g_autofree char *reason = NULL;
	va_list arguments;

	va_start(arguments, format);
	reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, SOURCE_ERROR, code, "%s: its agent %s", source->name, reason);
	return FALSE;
}

static void disconnect(struct guest_source *source)
{
	if (source->socket >= 0)
		close(source->socket);
	source->socket = -1;
}

/* FALSE and no connection, for the reason that errno says. */
static gboolean fail_to_connect(struct guest_source *source, const char *where, GError **error)
{
	fail(source, SOURCE_ERROR_UNAVAILABLE, error, "cannot be reached: %s: %s", where, g_strerror(errno));
	disconnect(source);
	return FALSE;
}

static gboolean connect_port(struct guest_source *source, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (g_strlcpy(address.sun_path, source->path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
		return fail(source, SOURCE_ERROR_UNAVAILABLE, error,
			    "cannot be reached: %s is too long for a socket", source->path);
	source->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (source->socket >= 0 && connect(source->socket, (struct sockaddr *)&address, sizeof(address)) == 0)
		return TRUE;
	return fail_to_connect(source, source->path, error);
}

/* Whether the connection that was begun stands within VSOCK_WAIT_MS; errno says why not. */
static gboolean wait_for_connection(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int problem = ETIMEDOUT;
	socklen_t size = sizeof(problem);

	if (poll(&ready, 1, VSOCK_WAIT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
		problem = errno;
	errno = problem;
	return problem == 0;
}

static gboolean connect_vsock(struct guest_source *source, GError **error)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK,
				       .svm_port = VMHEAT_GUEST_VSOCK_PORT,
				       .svm_cid = source->domain->vsock_cid };
	g_autofree char *where = g_strdup_printf("vsock, CID %u", address.svm_cid);

	source->socket = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (source->socket < 0)
		return fail_to_connect(source, where, error);
	if (connect(source->socket, (struct sockaddr *)&address, sizeof(address)) != 0 &&
	    (errno != EINPROGRESS || !wait_for_connection(source->socket)))
		return fail_to_connect(source, where, error);
	if (domain_is_alive(source->domain))
		return TRUE;
	errno = ESRCH;
	return fail_to_connect(source, where, error);
}

/* Send a frame without payload under the next sequence number. A peer that has no room for it reads nothing.
 */
static gboolean send_request(struct guest_source *source, enum vmheat_frame_type type, GError **error)
{
	struct vmheat_frame_header header = { .magic = GUINT32_TO_LE(VMHEAT_FRAME_MAGIC),
					      .version = VMHEAT_PROTOCOL_VERSION,
					      .type = (guint8)type };
	ssize_t sent;

	if (++source->sequence == 0) /* stands for "unasked" */
		source->sequence = 1;
	header.sequence = GUINT32_TO_LE(source->sequence);
	sent = send(source->socket, &header, sizeof(header), MSG_NOSIGNAL);
	if (sent == (ssize_t)sizeof(header))
		return TRUE;
	fail(source, SOURCE_ERROR_FAILED, error, "could not be asked: %s",
	     sent < 0 ? g_strerror(errno) : "the port takes no more");
	disconnect(source);
	return FALSE;
}

static struct guest_source *agent_open(const struct domain *domain, const struct page_map *map,
				       GError **error)
{
	struct guest_source *source = g_new0(struct guest_source, 1);

	source->domain = domain;
	source->name = g_strdup(domain->name);
	source->path = g_strdup(domain->agent_socket);
	source->socket = -1;
	source->sequence = g_random_int();
	source->bytes_limit = map->page_count * BYTES_PER_PAGE + BYTES_BESIDES;
	if (source->path == NULL && domain->vsock_cid == 0)
		fail(source, SOURCE_ERROR_UNAVAILABLE, error,
		     "has no channel: the domain lacks " VMHEAT_GUEST_PORT_NAME " and a vsock");
	else if ((source->stream = guest_stream_new(map)) == NULL)
		fail(source, SOURCE_ERROR_FAILED, error, "needs more memory than there is");
	if (source->stream == NULL)
		g_clear_pointer(&source, guest_source_agent.close);
	return source;
}

static gboolean agent_start(struct guest_source *source, GError **error)
{
	if (source->socket < 0) {
		if (!(source->path != NULL ? connect_port : connect_vsock)(source, error))
			return FALSE;
		guest_stream_reconnected(source->stream);
		if (!send_request(source, VMHEAT_FRAME_HELLO, error))
			return FALSE;
	}
	if (!send_request(source, VMHEAT_FRAME_SCAN, error))
		return FALSE;
	guest_stream_start_scan(source->stream, source->sequence);
	source->bytes = 0;
	return TRUE;
}

/* Take what has come. FALSE if the connection had to be dropped. */
static gboolean receive(struct guest_source *source, GError **error)
{
	ssize_t count = recv(source->socket, source->buffer, sizeof(source->buffer), 0);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return TRUE;
	if (count == 0)
		fail(source, SOURCE_ERROR_FAILED, error, "is cut off: its port was closed");
	else if (count < 0)
		fail(source, SOURCE_ERROR_FAILED, error, "is cut off: %s", g_strerror(errno));
	else if ((source->bytes += (guint64)count) > source->bytes_limit)
		fail(source, SOURCE_ERROR_FAILED, error,
		     "sends too much: more than %" G_GUINT64_FORMAT " bytes for one scan",
		     source->bytes_limit);
	else {
		guest_stream_push(source->stream, source->buffer, (size_t)count);
		return TRUE;
	}
	disconnect(source);
	return FALSE;
}

/* Wait until the answer has ended or @deadline (monotonic, us) has passed. */
static gboolean receive_answer(struct guest_source *source, gint64 deadline, GError **error)
{
	while (guest_stream_state(source->stream) == GUEST_SCAN_PENDING) {
		gint64 left = deadline - g_get_monotonic_time();
		struct pollfd ready = { .fd = source->socket, .events = POLLIN };
		int count = poll(&ready, 1, (int)(MAX(left, 0) + 999) / 1000);

		if (count > 0 && !receive(source, error))
			return FALSE;
		if (left <= 0)
			return TRUE;
	}
	return TRUE;
}

static gboolean agent_finish(struct guest_source *source, int timeout_ms, const struct guest_leaf **pages,
			     const struct vmheat_scan_end **end, GError **error)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

	if (source->socket < 0)
		return fail(source, SOURCE_ERROR_FAILED, error, "was not asked");
	if (!receive_answer(source, deadline, error))
		return FALSE;
	switch (guest_stream_state(source->stream)) {
	case GUEST_SCAN_COMPLETE:
		*pages = guest_stream_pages(source->stream);
		*end = guest_stream_end(source->stream);
		return TRUE;
	case GUEST_SCAN_FAILED:
		return fail(source, SOURCE_ERROR_FAILED, error, "reports: %s",
			    guest_stream_error_text(source->stream));
	default:
		break;
	}
	if (source->bytes > 0)
		return fail(source, SOURCE_ERROR_FAILED, error,
			    "has not answered within %d ms, but says something", timeout_ms);
	disconnect(source);
	return fail(source, SOURCE_ERROR_FAILED, error, "has not answered within %d ms", timeout_ms);
}

static const struct guest_stream_counts *agent_counts(struct guest_source *source)
{
	return guest_stream_counts(source->stream);
}

static const struct guest_cgroup *agent_cgroups(struct guest_source *source, gsize *count)
{
	return guest_stream_cgroups(source->stream, count);
}

static guint32 agent_capabilities(struct guest_source *source)
{
	const struct vmheat_hello *hello = guest_stream_hello(source->stream);

	return hello == NULL ? 0 : hello->capabilities;
}

static void agent_close(struct guest_source *source)
{
	disconnect(source);
	guest_stream_free(source->stream);
	g_free(source->path);
	g_free(source->name);
	g_free(source);
}

const struct guest_source_ops guest_source_agent = {
	.name = "agent",
	.open = agent_open,
	.start = agent_start,
	.finish = agent_finish,
	.counts = agent_counts,
	.cgroups = agent_cgroups,
	.capabilities = agent_capabilities,
	.close = agent_close,
};
