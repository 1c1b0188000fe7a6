/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbus_service.c - one handler a method
 *
 * Every call goes the same way: its method is looked up in a table, authority.h is asked about the action that stands
 * there, and the handler runs if the caller may do that. It takes the invocation and answers it once, at once or when the
 * VM's job is done.
 */
#include "dbus_service.h"
#include <string.h>
#include <unistd.h>
#include "act_variant.h"
#include "authority.h"
#include "manager1_dbus.h"
#include "vm_variant.h"
#include "vm_worker.h"

#define ERROR_UNKNOWN_VM      "org.vmheat.Error.UnknownVm"
#define ERROR_INVALID_SETTING "org.vmheat.Error.InvalidSetting"
#define ERROR_NOT_READY	      "org.vmheat.Error.NotReady"
#define ERROR_FAILED	      "org.vmheat.Error.Failed"

struct dbus_service {
	VmheatManager1 *object;
	struct vm_registry *registry;
	struct act_journal *journal;
	struct authority *authority;
};

/* Where an answer that comes later goes. */
struct pending {
	VmheatManager1 *object;
	GDBusMethodInvocation *invocation;
};

static struct pending *pending_new(VmheatManager1 *object, GDBusMethodInvocation *invocation)
{
	struct pending *pending = g_new(struct pending, 1);

	pending->object = g_object_ref(object);
	pending->invocation = invocation;
	return pending;
}

static void pending_free(struct pending *pending)
{
	g_object_unref(pending->object);
	g_free(pending);
}

/* The first parameter, a VM's name. Owned by the invocation. */
static const char *name_of(GDBusMethodInvocation *invocation)
{
	const char *name;

	g_variant_get_child(g_dbus_method_invocation_get_parameters(invocation), 0, "&s", &name);
	return name;
}

/* The VM, or NULL and the invocation is answered. */
static struct vm_tracker *find_vm(const struct dbus_service *service, const char *name,
				  GDBusMethodInvocation *invocation)
{
	struct vm_tracker *tracker = vm_registry_find(service->registry, name);
	g_autofree char *message = NULL;

	if (tracker != NULL)
		return tracker;
	message = g_strdup_printf("no running VM is named \"%s\"", name);
	g_dbus_method_invocation_return_dbus_error(invocation, ERROR_UNKNOWN_VM, message);
	return NULL;
}

static void refuse(GDBusMethodInvocation *invocation, const GError *error)
{
	const char *name = ERROR_FAILED;

	if (g_error_matches(error, VM_ERROR, VM_ERROR_NOT_READY))
		name = ERROR_NOT_READY;
	else if (error->domain == SETTING_ERROR)
		name = ERROR_INVALID_SETTING;
	g_dbus_method_invocation_return_dbus_error(invocation, name, error->message);
}

static void list_vms(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	GList *trackers = vm_registry_list(service->registry);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (GList *item = trackers; item != NULL; item = item->next)
		g_variant_builder_add_value(&builder, vm_variant_summary(vm_tracker_snapshot(item->data),
									 vm_tracker_settings(item->data)));
	g_list_free(trackers);
	vmheat_manager1_complete_list_vms(service->object, invocation, g_variant_builder_end(&builder));
}

static void get_vm(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	const struct vm_tracker *tracker = find_vm(service, name_of(invocation), invocation);

	if (tracker != NULL)
		vmheat_manager1_complete_get_vm(
			service->object, invocation,
			vm_variant_full(vm_tracker_snapshot(tracker), vm_tracker_settings(tracker),
					vm_tracker_settings_problem(tracker), g_get_monotonic_time()));
}

static void answer_map(const struct vm_reply *reply, gpointer data)
{
	struct pending *pending = data;

	if (reply->error != NULL)
		refuse(pending->invocation, reply->error);
	else
		vmheat_manager1_complete_get_map(
			pending->object, pending->invocation, vm_variant_runs(reply->runs),
			vm_variant_windows(reply->windows), vm_variant_runs(reply->placement));
	pending_free(pending);
}

static void get_map(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	struct vm_tracker *tracker = find_vm(service, name_of(invocation), invocation);

	if (tracker != NULL)
		vm_tracker_map(tracker, answer_map, pending_new(service->object, invocation));
}

/* SetVm's second parameter as a table that points into it. */
static GHashTable *table_of(GDBusMethodInvocation *invocation)
{
	g_autoptr(GVariant) changes =
		g_variant_get_child_value(g_dbus_method_invocation_get_parameters(invocation), 1);
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
	GVariantIter iter;
	const char *key, *value;

	g_variant_iter_init(&iter, changes);
	while (g_variant_iter_next(&iter, "{&s&s}", &key, &value))
		g_hash_table_insert(table, (gpointer)key, (gpointer)value);
	return table;
}

static void set_vm(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	struct vm_tracker *tracker = find_vm(service, name_of(invocation), invocation);
	g_autoptr(GHashTable) commands = table_of(invocation);
	g_autoptr(GError) error = NULL;

	if (tracker == NULL)
		return;
	if (vm_registry_set(service->registry, tracker, commands, &error))
		vmheat_manager1_complete_set_vm(service->object, invocation);
	else
		refuse(invocation, error);
}

static void answer_act(const struct vm_reply *reply, gpointer data)
{
	struct pending *pending = data;

	if (reply->error != NULL)
		refuse(pending->invocation, reply->error);
	else
		vmheat_manager1_complete_act_vm(pending->object, pending->invocation,
						vm_variant_act(&reply->snapshot->last_act));
	pending_free(pending);
}

static void act_vm(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	struct vm_tracker *tracker = find_vm(service, name_of(invocation), invocation);

	if (tracker != NULL)
		vm_tracker_act(tracker, answer_act, pending_new(service->object, invocation));
}

/* GetHistory on its way through a thread. */
struct history_request {
	struct pending *pending;
	struct act_journal *journal;
	char *name;
};

static void history_request_free(gpointer data)
{
	struct history_request *request = data;

	pending_free(request->pending);
	g_free(request->name);
	g_free(request);
}

static void unref_variant(gpointer data)
{
	g_variant_unref(data);
}

/* It reads files, and may wait for others that write them. */
static void read_history(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	const struct history_request *request = data;
	const char *name = request->name[0] == '\0' ? NULL : request->name;
	GError *error = NULL;
	g_autoptr(GArray) records = act_journal_history(request->journal, name, &error);

	if (records == NULL)
		g_task_return_error(task, error);
	else
		g_task_return_pointer(task, g_variant_ref_sink(act_variant_history(records)), unref_variant);
}

static void answer_history(GObject *source, GAsyncResult *result, gpointer data)
{
	const struct history_request *request = g_task_get_task_data(G_TASK(result));
	const struct pending *pending = request->pending;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) acts = g_task_propagate_pointer(G_TASK(result), &error);

	if (acts == NULL)
		refuse(pending->invocation, error);
	else
		vmheat_manager1_complete_get_history(pending->object, pending->invocation, acts);
}

static void get_history(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	struct history_request *request = g_new(struct history_request, 1);
	g_autoptr(GTask) task = g_task_new(NULL, NULL, answer_history, NULL);

	request->pending = pending_new(service->object, invocation);
	request->journal = service->journal;
	request->name = g_strdup(name_of(invocation));
	g_task_set_task_data(task, request, history_request_free);
	g_task_run_in_thread(task, read_history);
}

static void notify_hook(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	const char *name, *operation;

	g_variant_get(g_dbus_method_invocation_get_parameters(invocation), "(&s&s)", &name, &operation);
	vm_registry_notify(service->registry, name, operation);
	vmheat_manager1_complete_notify_hook(service->object, invocation);
}

/* Every method, the signal that generated code sends for it, and what its caller must be allowed to do. */
static const struct method {
	const char *name;
	const char *signal;
	enum authority_action action;
	void (*run)(struct dbus_service *service, GDBusMethodInvocation *invocation);
} methods[] = {
	{ "ListVms", "handle-list-vms", AUTHORITY_READ, list_vms },
	{ "GetVm", "handle-get-vm", AUTHORITY_READ, get_vm },
	{ "GetMap", "handle-get-map", AUTHORITY_READ, get_map },
	{ "GetHistory", "handle-get-history", AUTHORITY_READ, get_history },
	{ "SetVm", "handle-set-vm", AUTHORITY_ACT, set_vm },
	{ "ActVm", "handle-act-vm", AUTHORITY_ACT, act_vm },
	{ "NotifyHook", "handle-notify-hook", AUTHORITY_ACT, notify_hook },
};

/* A call whose caller is being looked at. */
struct call {
	struct dbus_service *service;
	GDBusMethodInvocation *invocation;
	const struct method *method;
};

static void on_authority(const char *refusal, gpointer data)
{
	struct call *call = data;

	if (refusal == NULL)
		call->method->run(call->service, call->invocation);
	else
		g_dbus_method_invocation_return_error(call->invocation, G_DBUS_ERROR,
						      G_DBUS_ERROR_ACCESS_DENIED, "%s", refusal);
	g_free(call);
}

/*
 * Any method. Connected with the object last, so that what differs between the methods' signals, their parameters,
 * stands behind what is used here.
 */
static gboolean on_call(struct dbus_service *service, GDBusMethodInvocation *invocation)
{
	const char *name = g_dbus_method_invocation_get_method_name(invocation);
	GDBusMessage *message = g_dbus_method_invocation_get_message(invocation);
	gboolean interactive = (g_dbus_message_get_flags(message) &
				G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
	struct call *call = g_new0(struct call, 1);

	call->service = service;
	call->invocation = invocation;
	for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			call->method = &methods[i];
	g_assert(call->method != NULL);
	authority_check(service->authority, g_dbus_method_invocation_get_sender(invocation),
			call->method->action, interactive, on_authority, call);
	return TRUE;
}

struct dbus_service *dbus_service_new(GDBusConnection *bus, struct vm_registry *registry,
				      struct act_journal *journal, GError **error)
{
	struct dbus_service *service = g_new0(struct dbus_service, 1);

	service->registry = registry;
	service->journal = journal;
	service->object = vmheat_manager1_skeleton_new();
	vmheat_manager1_set_version(service->object, VMHEAT_VERSION);
	vmheat_manager1_set_libvirt(service->object, "connecting");
	service->authority = authority_new(bus, geteuid());
	for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
		g_signal_connect_swapped(service->object, methods[i].signal, G_CALLBACK(on_call), service);
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(service->object), bus,
					      DBUS_SERVICE_PATH, error)) {
		g_object_unref(service->object);
		authority_free(service->authority);
		g_free(service);
		return NULL;
	}
	return service;
}

void dbus_service_free(struct dbus_service *service)
{
	if (service == NULL)
		return;
	g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(service->object));
	g_object_unref(service->object);
	authority_free(service->authority);
	g_free(service);
}

void dbus_service_set_libvirt(struct dbus_service *service, const char *state)
{
	g_autofree char *valid = g_utf8_make_valid(state, -1);

	vmheat_manager1_set_libvirt(service->object, valid);
}
