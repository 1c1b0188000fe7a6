/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain_metadata.h - the settings that a VM's owner has put into its definition
 *
 * Libvirt keeps, for whoever wants it, elements of foreign namespaces in a domain's metadata. Ours is
 *
 *	<settings xmlns='https://vmheat.org/domain/1.0' mode='act' floor='8GiB'/>
 *
 * with the keys of [vm NAME] as attributes. Owners set it with `virsh metadata`.
 */
#ifndef VMHEAT_HOST_DOMAIN_METADATA_H
#define VMHEAT_HOST_DOMAIN_METADATA_H

#include "domain.h"

#define DOMAIN_METADATA_URI "https://vmheat.org/domain/1.0"

/**
 * domain_metadata_read() - our element of @domain, as libvirt gives it
 * @text: set to the element, NULL if it has none. The caller frees it.
 *
 * May block. FALSE: it could not be asked.
 */
gboolean domain_metadata_read(const struct domain *domain, char **text, GError **error);

/**
 * domain_metadata_parse() - the attributes of our element
 * @text: not trusted
 *
 * Return: key to value, both owned by the table; NULL and an error of HOST_ERROR if it is not our element. Whether keys
 * and values are right is for others to say.
 */
GHashTable *domain_metadata_parse(const char *text, GError **error);

#endif /* VMHEAT_HOST_DOMAIN_METADATA_H */
