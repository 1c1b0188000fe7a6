/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * act_record.c - one line of the journal, see act_record.h
 */
#include "act_record.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define DIGITS 16u
/* A line of ours has some 500 bytes. */
#define LINE_BYTES_MAX 65536u
/* JSON numbers are signed here, and no size comes near. */
#define NUMBER_MAX G_MAXINT64

G_DEFINE_QUARK(vmheat_act_record_error, act_record_error)

static const char *const kind_names[] = {
	[ACT_KIND_BALLOON] = "balloon",
	[ACT_KIND_VIRTIO_MEM] = "virtio-mem",
	[ACT_KIND_MOVES] = "moves",
};
G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == ACT_KINDS);

const char *act_kind_name(enum act_kind kind)
{
	return (unsigned int)kind < ACT_KINDS ? kind_names[kind] : "unknown";
}

gboolean act_kind_is_resize(enum act_kind kind)
{
	return kind == ACT_KIND_BALLOON || kind == ACT_KIND_VIRTIO_MEM;
}

void act_record_clear(struct act_record *record)
{
	g_free(record->vm);
	g_free(record->uuid);
	g_free(record->device);
	g_free(record->why);
	g_free(record->note);
	memset(record, 0, sizeof(*record));
}

void act_record_copy(struct act_record *to, const struct act_record *from)
{
	*to = *from;
	to->vm = g_strdup(from->vm);
	to->uuid = g_strdup(from->uuid);
	to->device = g_strdup(from->device);
	to->why = g_strdup(from->why);
	to->note = g_strdup(from->note);
}

static void digits_of(const char *text, gsize length, char digits[DIGITS + 1])
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);

	g_strlcpy(digits, sum, DIGITS + 1);
}

static void add_text(JsonObject *object, const char *key, const char *text)
{
	g_autofree char *valid = NULL;

	if (text == NULL)
		return;
	valid = g_utf8_make_valid(text, -1);
	json_object_set_string_member(object, key, valid);
}

static void add_number(JsonObject *object, const char *key, guint64 number)
{
	json_object_set_int_member(object, key, (gint64)MIN(number, (guint64)NUMBER_MAX));
}

char *act_record_format(const struct act_record *record)
{
	JsonObject *object = json_object_new();
	g_autoptr(JsonNode) node = json_node_alloc();
	g_autofree char *text = NULL;
	char digits[DIGITS + 1];

	add_number(object, "act", record->number);
	add_text(object, "state", act_state_name(record->state));
	json_object_set_int_member(object, "time", record->time_us);
	json_object_set_int_member(object, "begun", record->begun_us);
	add_text(object, "kind", act_kind_name(record->kind));
	add_text(object, "vm", record->vm);
	add_text(object, "uuid", record->uuid);
	json_object_set_int_member(object, "pid", record->pid);
	add_number(object, "start", record->pid_start);
	add_text(object, "device", record->device);
	if (act_kind_is_resize(record->kind)) {
		add_number(object, "from", record->from);
		add_number(object, "to", record->to);
	} else {
		add_number(object, "limit", record->limit);
		add_number(object, "moved", record->moved);
	}
	if (record->replaces != 0)
		add_number(object, "replaces", record->replaces);
	add_text(object, "why", record->why);
	add_text(object, "note", record->note);
	json_node_init_object(node, object);
	json_object_unref(object);
	text = json_to_string(node, FALSE);
	digits_of(text, strlen(text), digits);
	return g_strconcat(digits, " ", text, "\n", NULL);
}

static gboolean damaged(GError **error, const char *what)
{
	g_set_error(error, ACT_RECORD_ERROR, ACT_RECORD_ERROR_DAMAGED, "%s", what);
	return FALSE;
}

/* The member @key, if it is of @type; NULL if it is not there or another. */
static JsonNode *member(JsonObject *object, const char *key, GType type)
{
	JsonNode *node = json_object_get_member(object, key);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node
												     : NULL;
}

static gboolean get_text(JsonObject *object, const char *key, char **text)
{
	JsonNode *node = member(object, key, G_TYPE_STRING);

	if (node != NULL)
		*text = json_node_dup_string(node);
	return node != NULL;
}

/* A number that is not negative. */
static gboolean get_number(JsonObject *object, const char *key, guint64 *number)
{
	JsonNode *node = member(object, key, G_TYPE_INT64);

	if (node == NULL || json_node_get_int(node) < 0)
		return FALSE;
	*number = (guint64)json_node_get_int(node);
	return TRUE;
}

static gboolean get_time(JsonObject *object, const char *key, gint64 *time_us)
{
	guint64 number;

	if (!get_number(object, key, &number))
		return FALSE;
	*time_us = (gint64)number;
	return TRUE;
}

/* The word at @key as an index of names; -1: not one of them. */
static int get_word(JsonObject *object, const char *key, const char *(*name_of)(guint index), guint count)
{
	JsonNode *node = member(object, key, G_TYPE_STRING);

	for (guint i = 0; node != NULL && i < count; i++)
		if (strcmp(json_node_get_string(node), name_of(i)) == 0)
			return (int)i;
	return -1;
}

static const char *state_name_of(guint index)
{
	return act_state_name((enum act_state)index);
}

static const char *kind_name_of(guint index)
{
	return act_kind_name((enum act_kind)index);
}

static gboolean read_words(JsonObject *object, struct act_record *record, GError **error)
{
	int state = get_word(object, "state", state_name_of, ACT_STATES);
	int kind = get_word(object, "kind", kind_name_of, ACT_KINDS);

	if (state < 0 || kind < 0) {
		g_set_error(error, ACT_RECORD_ERROR, ACT_RECORD_ERROR_UNKNOWN, "its %s is not known",
			    state < 0 ? "state" : "kind");
		return FALSE;
	}
	record->state = (enum act_state)state;
	record->kind = (enum act_kind)kind;
	return TRUE;
}

static gboolean read_object(JsonObject *object, struct act_record *record, GError **error)
{
	gboolean resize;

	if (!get_number(object, "act", &record->number) || record->number == 0)
		return damaged(error, "it has no number");
	if (!read_words(object, record, error))
		return FALSE;
	resize = act_kind_is_resize(record->kind);
	if (!get_time(object, "time", &record->time_us) || !get_time(object, "begun", &record->begun_us) ||
	    !get_time(object, "pid", &record->pid) || !get_number(object, "start", &record->pid_start) ||
	    !get_number(object, resize ? "from" : "limit", resize ? &record->from : &record->limit) ||
	    !get_number(object, resize ? "to" : "moved", resize ? &record->to : &record->moved) ||
	    !get_text(object, "vm", &record->vm) || !get_text(object, "uuid", &record->uuid) ||
	    (record->kind == ACT_KIND_VIRTIO_MEM && !get_text(object, "device", &record->device)))
		return damaged(error, "something is missing from it");
	(void)get_number(object, "replaces", &record->replaces);
	(void)get_text(object, "why", &record->why);
	(void)get_text(object, "note", &record->note);
	return TRUE;
}

/* json-glib follows any depth, on the stack. An object of ours has none; its sentences may hold brackets. */
static gboolean is_flat(const char *text, gsize length)
{
	gboolean quoted = FALSE;
	guint depth = 0;

	for (gsize i = 0; i < length; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
	}
	return depth == 1;
}

gboolean act_record_from_json(const char *text, gsize length, struct act_record *record, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *root;

	memset(record, 0, sizeof(*record));
	if (!is_flat(text, length))
		return damaged(error, "it is not one JSON object");
	if (!json_parser_load_from_data(parser, text, (gssize)length, NULL))
		return damaged(error, "it is not JSON");
	root = json_parser_get_root(parser);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return damaged(error, "it is not one JSON object");
	if (read_object(json_node_get_object(root), record, error))
		return TRUE;
	act_record_clear(record);
	return FALSE;
}

gboolean act_record_parse(const char *line, gsize length, struct act_record *record, GError **error)
{
	char digits[DIGITS + 1];

	memset(record, 0, sizeof(*record));
	if (length <= DIGITS + 1 || length > LINE_BYTES_MAX)
		return damaged(error, length > LINE_BYTES_MAX ? "it is too long" : "it is too short");
	digits_of(line + DIGITS + 1, length - DIGITS - 1, digits);
	if (memcmp(line, digits, DIGITS) != 0 || line[DIGITS] != ' ')
		return damaged(error, "its checksum is wrong");
	return act_record_from_json(line + DIGITS + 1, length - DIGITS - 1, record, error);
}
