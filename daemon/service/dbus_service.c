/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbus_service.c - one handler a method
 *
 * A handler takes the invocation and answers it once, at once or when the VM's job is done.
 */
#include "dbus_service.h"
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

static gboolean on_list_vms(VmheatManager1 *object, GDBusMethodInvocation *invocation, gpointer data)
{
	const struct dbus_service *service = data;
	GList *trackers = vm_registry_list(service->registry);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (GList *item = trackers; item != NULL; item = item->next)
		g_variant_builder_add_value(&builder, vm_variant_summary(vm_tracker_snapshot(item->data),
									 vm_tracker_settings(item->data)));
	g_list_free(trackers);
	vmheat_manager1_complete_list_vms(object, invocation, g_variant_builder_end(&builder));
	return TRUE;
}

static gboolean on_get_vm(VmheatManager1 *object, GDBusMethodInvocation *invocation, const char *name,
			  gpointer data)
{
	const struct vm_tracker *tracker = find_vm(data, name, invocation);

	if (tracker != NULL)
		vmheat_manager1_complete_get_vm(object, invocation,
						vm_variant_full(vm_tracker_snapshot(tracker),
								vm_tracker_settings(tracker),
								g_get_monotonic_time()));
	return TRUE;
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

static gboolean on_get_map(VmheatManager1 *object, GDBusMethodInvocation *invocation, const char *name,
			   gpointer data)
{
	struct vm_tracker *tracker = find_vm(data, name, invocation);

	if (tracker != NULL)
		vm_tracker_map(tracker, answer_map, pending_new(object, invocation));
	return TRUE;
}

/* All of @changes on top of @settings, or an error and @settings is to be thrown away. */
static gboolean apply_changes(struct vm_settings *settings, GVariant *changes, GError **error)
{
	GVariantIter iter;
	const char *key, *value;

	g_variant_iter_init(&iter, changes);
	while (g_variant_iter_next(&iter, "{&s&s}", &key, &value))
		if (!vm_settings_set(settings, key, value, error))
			return FALSE;
	return vm_settings_check(settings, error);
}

static gboolean on_set_vm(VmheatManager1 *object, GDBusMethodInvocation *invocation, const char *name,
			  GVariant *changes, gpointer data)
{
	struct dbus_service *service = data;
	struct vm_tracker *tracker = find_vm(service, name, invocation);
	g_autoptr(GError) error = NULL;
	struct vm_settings settings;

	if (tracker == NULL)
		return TRUE;
	settings = *vm_tracker_settings(tracker);
	if (!apply_changes(&settings, changes, &error)) {
		refuse(invocation, error);
		return TRUE;
	}
	vm_registry_set(service->registry, tracker, &settings);
	vmheat_manager1_complete_set_vm(object, invocation);
	return TRUE;
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

static gboolean on_act_vm(VmheatManager1 *object, GDBusMethodInvocation *invocation, const char *name,
			  gpointer data)
{
	struct vm_tracker *tracker = find_vm(data, name, invocation);

	if (tracker != NULL)
		vm_tracker_act(tracker, answer_act, pending_new(object, invocation));
	return TRUE;
}

static gboolean on_notify_hook(VmheatManager1 *object, GDBusMethodInvocation *invocation, const char *name,
			       const char *operation, gpointer data)
{
	const struct dbus_service *service = data;

	vm_registry_notify(service->registry, name, operation);
	vmheat_manager1_complete_notify_hook(object, invocation);
	return TRUE;
}

struct dbus_service *dbus_service_new(GDBusConnection *bus, struct vm_registry *registry, GError **error)
{
	struct dbus_service *service = g_new0(struct dbus_service, 1);

	service->registry = registry;
	service->object = vmheat_manager1_skeleton_new();
	vmheat_manager1_set_version(service->object, VMHEAT_VERSION);
	vmheat_manager1_set_libvirt(service->object, "connecting");
	g_signal_connect(service->object, "handle-list-vms", G_CALLBACK(on_list_vms), service);
	g_signal_connect(service->object, "handle-get-vm", G_CALLBACK(on_get_vm), service);
	g_signal_connect(service->object, "handle-get-map", G_CALLBACK(on_get_map), service);
	g_signal_connect(service->object, "handle-set-vm", G_CALLBACK(on_set_vm), service);
	g_signal_connect(service->object, "handle-act-vm", G_CALLBACK(on_act_vm), service);
	g_signal_connect(service->object, "handle-notify-hook", G_CALLBACK(on_notify_hook), service);
	if (!g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(service->object), bus,
					      DBUS_SERVICE_PATH, error)) {
		g_object_unref(service->object);
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
	g_free(service);
}

void dbus_service_set_libvirt(struct dbus_service *service, const char *state)
{
	g_autofree char *valid = g_utf8_make_valid(state, -1);

	vmheat_manager1_set_libvirt(service->object, valid);
}
