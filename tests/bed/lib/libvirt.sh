# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# libvirt.sh - the real libvirtd and the system bus in a host without systemd
#
# The monolithic libvirtd as Debian 12 ships it, as root, for qemu:///system; without virtlogd, machined and dnsmasq,
# whose absence its log mentions harmlessly. Both functions do nothing when the service runs already.

# libvirt_start: returns when libvirtd answers. What probing QEMU's capabilities found (20 s) is kept between runs;
# libvirt itself sees whether it still holds.
libvirt_start() {
	local cache=/run/bed/libvirt-cache
	! virsh version >/dev/null 2>&1 || return 0
	mkdir -p /etc/libvirt/hooks /etc/libvirt/qemu
	cat >/etc/libvirt/qemu.conf <<-EOT
		security_driver = "none"
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		stdio_handler = "file"
		namespaces = []
	EOT
	cat >/etc/libvirt/libvirtd.conf <<-EOT
		listen_tls = 0
		auth_unix_rw = "none"
		log_outputs = "2:file:/out/libvirtd.log"
	EOT
	cp -a "$cache/." /var/cache/libvirt/
	/usr/sbin/libvirtd --daemon
	bed_wait_until 120 virsh version || return
	cp -a --update /var/cache/libvirt/. "$cache/"
}

# dbus_start: the system bus at its usual address, with vmheat's policy as `make install` would put it.
dbus_start() {
	local policy=$BED_ROOT/scripts/dbus/org.vmheat.Manager1.conf
	[ ! -S /run/dbus/system_bus_socket ] || return 0
	mkdir -p /run/dbus
	[ ! -e "$policy" ] || cp "$policy" /usr/share/dbus-1/system.d/
	dbus-uuidgen --ensure
	dbus-daemon --system --fork --nopidfile
}
