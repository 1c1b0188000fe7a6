// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qemu_api.c - QEMU's plugin interface, the same for all versions of it, see qemu_api.h
 *
 * QEMU loads a plugin, then reads its qemu_plugin_version, which must lie between a least and a current one of
 * QEMU's own: 0 to 1 (7.2), 2 to 4 (10.0), 7 only (11.1). A constructor, which runs between the two, tells them
 * apart by the functions that QEMU has.
 *
 * Version 7 gave each callback a last argument and dropped the first of some, and gave each registration a last
 * argument. Version 3 changed qemu_plugin_insn_data().
 */
#define _GNU_SOURCE
#include "qemu_api.h"
#include <dlfcn.h>
#include <string.h>

/* What changed is declared as this, and cast before each call. */
typedef void (*any_function)(void);
typedef const void *(*insn_data_pointer)(const struct qemu_plugin_insn *insn);
typedef size_t (*insn_data_copy)(const struct qemu_plugin_insn *insn, void *bytes, size_t size);
void qemu_plugin_register_vcpu_tb_trans_cb(void);
void qemu_plugin_register_vcpu_idle_cb(void);
void qemu_plugin_register_vcpu_resume_cb(void);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, any_function callback, void *data);
void qemu_plugin_reset(void);
void qemu_plugin_insn_data(void);

PLUGIN_EXPORT int qemu_plugin_version = 1;

static qemu_plugin_id_t plugin_id;
static int api;
static const struct plugin_callbacks *registered;
static void (*reset_done)(void);

__attribute__((constructor)) static void choose_version(void)
{
	if (dlsym(RTLD_DEFAULT, "qemu_plugin_set_pc") != NULL)
		qemu_plugin_version = 7;
	else if (dlsym(RTLD_DEFAULT, "qemu_plugin_scoreboard_new") != NULL)
		qemu_plugin_version = 2;
}

void plugin_init(qemu_plugin_id_t id, const struct qemu_info_t *info)
{
	plugin_id = id;
	api = info->version.cur;
}

int plugin_api(void)
{
	return api;
}

/* The callbacks of versions 1 to 5, */
static void translate_with_id(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	registered->translate(block);
}

static void idle_with_id(qemu_plugin_id_t id, unsigned int vcpu)
{
	registered->vcpu_idle(vcpu);
}

static void resume_with_id(qemu_plugin_id_t id, unsigned int vcpu)
{
	registered->vcpu_resume(vcpu);
}

static void exit_with_id(qemu_plugin_id_t id, void *data)
{
	registered->exit();
}

static void reset_with_id(qemu_plugin_id_t id)
{
	reset_done();
}

/* and those of version 7. */
static void translate_with_data(struct qemu_plugin_tb *block, void *data)
{
	registered->translate(block);
}

static void idle_with_data(unsigned int vcpu, void *data)
{
	registered->vcpu_idle(vcpu);
}

static void resume_with_data(unsigned int vcpu, void *data)
{
	registered->vcpu_resume(vcpu);
}

static void exit_with_data(void *data)
{
	registered->exit();
}

static void reset_with_data(void *data)
{
	reset_done();
}

/* Call a registration function of QEMU's with the callback that suits it. */
static void register_one(any_function function, any_function with_id, any_function with_data)
{
	if (api >= 7)
		((void (*)(qemu_plugin_id_t, any_function, void *))function)(plugin_id, with_data, NULL);
	else
		((void (*)(qemu_plugin_id_t, any_function))function)(plugin_id, with_id);
}

void plugin_register(const struct plugin_callbacks *callbacks)
{
	registered = callbacks;
	if (callbacks->translate != NULL)
		register_one(qemu_plugin_register_vcpu_tb_trans_cb, (any_function)translate_with_id,
			     (any_function)translate_with_data);
	if (callbacks->vcpu_idle != NULL)
		register_one(qemu_plugin_register_vcpu_idle_cb, (any_function)idle_with_id,
			     (any_function)idle_with_data);
	if (callbacks->vcpu_resume != NULL)
		register_one(qemu_plugin_register_vcpu_resume_cb, (any_function)resume_with_id,
			     (any_function)resume_with_data);
	/* The only one that has had its last argument ever since. */
	if (callbacks->exit != NULL)
		qemu_plugin_register_atexit_cb(
			plugin_id, api >= 7 ? (any_function)exit_with_data : (any_function)exit_with_id,
			NULL);
}

void plugin_reset(void (*done)(void))
{
	reset_done = done;
	register_one(qemu_plugin_reset, (any_function)reset_with_id, (any_function)reset_with_data);
}

size_t plugin_insn_bytes(const struct qemu_plugin_insn *insn, void *bytes, size_t size)
{
	size_t length = qemu_plugin_insn_size(insn);
	any_function insn_data = qemu_plugin_insn_data;

	if (length < size)
		size = length;
	if (api >= 3)
		return ((insn_data_copy)insn_data)(insn, bytes, size);
	memcpy(bytes, ((insn_data_pointer)insn_data)(insn), size);
	return size;
}
