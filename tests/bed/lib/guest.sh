# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest.sh - real guests under libvirt, each with the agent, the workload and a console file
#
# A guest's domain XML and console are kept in the job's folder of the report. No NUMA policy is set: memory comes from
# the node whose processor first touches it, and in this host only node 0 has processors.

# guest_define NAME MEMORY_MIB [KEY=VALUE...]
#   agent=0                 vmheat-guest is not started in it
#   vsock=CID               it has no port for the agent, but a vsock, by which the agent waits for the host
#   shell=1                 it takes commands, see guest_shell
#   thp=0                   its memory is a shared memfd: 4 KiB pages on the host (default: anonymous, huge if possible)
#   vcpus=N                 default 1
#   swap=/dev/vdX           one of this host's blank disks (vda, vdb, vdc) becomes the guest's swap space
#   balloon=0               its kernel has no driver for its balloon, so it never answers
#   free_page_reporting=1   the balloon returns free pages by itself
#   virtio_mem=MIB:PLUGGED  a virtio-mem device of so many MiB, in blocks of 2; the guest is to plug so many of them
#   kvm=0                   it runs without KVM, emulated
#   plugin=FILE             likewise, and the plugin records what it accesses in FILE
guest_define() {
	local name=$1 memory=$2 option backing='' disk='' arguments='' vcpus=1 reporting=off
	local type=kvm cpu="<cpu mode='host-passthrough'/>" commandline='' devices='' maximum=''
	local agent="<channel type='unix'><target type='virtio' name='org.vmheat.guest.0'/></channel>"
	shift 2
	for option; do
		case $option in
		agent=1 | thp=1 | free_page_reporting=0) ;;
		agent=0) arguments+=' vmheat.agent=0' ;;
		vsock=*)
			arguments+=' vmheat.agent=vsock'
			agent="<vsock model='virtio'><cid auto='no' address='${option#*=}'/></vsock>"
			;;
		shell=1)
			arguments+=' vmheat.shell=1'
			devices+="<channel type='unix'><source mode='bind' path='/run/$name.shell'/>
			<target type='virtio' name='org.vmheat.shell.0'/></channel>"
			;;
		balloon=0) arguments+=' initcall_blacklist=virtio_balloon_driver_init' ;;
		thp=0) backing="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" ;;
		vcpus=*) vcpus=${option#*=} ;;
		swap=/dev/vd[a-c])
			disk="<disk type='block' device='disk'><driver name='qemu' type='raw'/>
			<source dev='${option#*=}'/><target dev='vda' bus='virtio'/></disk>"
			;;
		free_page_reporting=1) reporting=on ;;
		virtio_mem=*:*)
			# Memory devices need a NUMA node in the guest.
			cpu="<cpu mode='host-passthrough'><numa><cell id='0' cpus='0' memory='$memory' unit='MiB'/></numa></cpu>"
			option=${option#*=}
			memory=$((memory + ${option%:*}))
			maximum="<maxMemory slots='1' unit='MiB'>$memory</maxMemory>"
			devices+="<memory model='virtio-mem'><target><size unit='MiB'>${option%:*}</size><node>0</node>
			<block unit='MiB'>2</block><requested unit='MiB'>${option#*:}</requested></target></memory>"
			;;
		kvm=0 | plugin=*)
			type=qemu cpu=''
			[ "$option" = kvm=0 ] || commandline="<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
			<qemu:arg value='-plugin'/>
			<qemu:arg value='$BED_ROOT/build/bin/libvmheat-plugin.so,map=${option#*=}'/></qemu:commandline>"
			;;
		*)
			echo "guest_define: unknown option $option" >&2
			return 2
			;;
		esac
	done
	cat >"$BED_OUT/$name.xml" <<-EOT
		<domain type='$type'>
		  <name>$name</name>
		  <uuid>$(md5sum <<<"$name" | cut -c1-32)</uuid>
		  $maximum
		  <memory unit='MiB'>$memory</memory>
		  $backing
		  <vcpu>$vcpus</vcpu>
		  <os>
		    <type arch='x86_64' machine='q35'>hvm</type>
		    <kernel>$BED_ROOT/build/kernel/guest/vmlinux</kernel>
		    <initrd>$BED_ROOT/build/bed/guest.cpio</initrd>
		    <cmdline>console=ttyS0 quiet panic=-1$arguments</cmdline>
		  </os>
		  <features><acpi/></features>
		  $cpu
		  <on_poweroff>destroy</on_poweroff>
		  <on_reboot>destroy</on_reboot>
		  <on_crash>destroy</on_crash>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    $disk
		    <controller type='usb' model='none'/>
		    <controller type='virtio-serial' index='0'/>
		    <serial type='file'><source path='$BED_OUT/$name.console'/></serial>
		    $agent
		    $devices
		    <channel type='unix'>
		      <source mode='bind' path='/run/$name.workload'/>
		      <target type='virtio' name='org.vmheat.workload.0'/>
		    </channel>
		    <memballoon model='virtio' autodeflate='on' freePageReporting='$reporting'><stats period='1'/></memballoon>
		  </devices>
		  $commandline
		</domain>
	EOT
	virsh --quiet define "$BED_OUT/$name.xml" >&2
}

# guest_start NAME: returns when the guest says READY on its console.
guest_start() {
	local console=$BED_OUT/$1.console
	virsh --quiet start "$1" >&2 || return
	if ! bed_wait_until 300 grep -q 'READY after' "$console"; then
		echo "guest $1 did not get READY; the end of $console:" >&2
		tail -n 20 "$console" >&2
		return 1
	fi
}

# guest_destroy NAME: switches it off at once and forgets it. A guest that is off already is no error.
guest_destroy() {
	virsh --quiet destroy "$1" >&2 || true
	virsh --quiet undefine "$1" >&2
}

# guest_pid NAME: prints the process of its QEMU.
guest_pid() {
	cat "/run/libvirt/qemu/$1.pid"
}

# guest_agent_socket NAME: prints the path of this host's end of the agent's port.
guest_agent_socket() {
	virsh dumpxml "$1" | grep -B 1 "name='org.vmheat.guest.0'" | sed -n "s/.*<source mode='bind' path='\([^']*\)'.*/\1/p"
}

# guest_workload NAME LINE [SECONDS]: sends the workload in the guest one line, prints its one-line JSON reply. It answers
# when it has done the work for the first time, for which it has 60 seconds; swapping in takes longer.
guest_workload() {
	"$BED_ROOT/build/test/bin/port-request" "/run/$1.workload" "${3-60}" "$2"
}

# guest_shell NAME COMMAND: runs a command in a guest with shell=1, prints what it printed, as one line.
guest_shell() {
	"$BED_ROOT/build/test/bin/port-request" "/run/$1.shell" 60 "$2"
}
