// SPDX-License-Identifier: GPL-2.0
/* The kernel module of mmuscope: is it there, and what is in its way? */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/host.h"

#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

bool host_module_loaded(const struct host *host)
{
	return host_exists(host, "/sys/module/mmuscope");
}

static void loaded_tell(struct host *host)
{
	if (host_module_loaded(host))
		host_tell(host, "kernel", "module", HOST_INFO,
			  "mmuscope.ko, where eBPF cannot go", "loaded");
	else
		host_tell(host, "kernel", "module", HOST_INFO,
			  "'make modules modules_install' and 'modprobe mmuscope' load it",
			  "not loaded");
}

static void headers_tell(struct host *host, const char *release)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/build/Makefile", release);
	if (host_exists(host, path))
		host_tell(host, "kernel", "module.headers", HOST_INFO, "to build the module",
			  "there");
	else
		host_tell(host, "kernel", "module.headers", HOST_INFO,
			  "the module needs the package linux-headers of this kernel to be built",
			  "not there");
}

/* The variable is four bytes of attributes and the value. */
static bool secure_boot(const struct host *host)
{
	char text[HOST_VALUE] = "";

	return host_read(host, SECURE_BOOT, text, sizeof(text)) >= 5 && text[4] == 1;
}

static void signature_tell(struct host *host)
{
	char text[HOST_VALUE] = "";
	const char *why = NULL;

	if (host_read(host, "/sys/module/module/parameters/sig_enforce", text, sizeof(text)) > 0 &&
	    text[0] == 'Y')
		why = "module.sig_enforce";
	else if (host_read(host, "/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
		 !strstr(text, "[none]"))
		why = "lockdown";
	else if (secure_boot(host))
		why = "Secure Boot";
	if (why)
		host_tell(host, "kernel", "module.signature", HOST_INFO,
			  "the module must be signed with a key that the kernel trusts", "%s", why);
	else if (host_hides_lockdown(host))
		host_tell(host, "kernel", "module.signature", HOST_INFO,
			  "lockdown would want one: securityfs is not mounted", "not known");
	else
		host_tell(host, "kernel", "module.signature", HOST_INFO,
			  "an unsigned module can be loaded", "not needed");
}

void host_module_examine(struct host *host, const char *release)
{
	if (!host_exists(host, "/proc/modules")) {
		host_tell(host, "kernel", "module", HOST_INFO,
			  "this kernel is built without loadable modules", "impossible");
		return;
	}
	loaded_tell(host);
	headers_tell(host, release);
	signature_tell(host);
}
