// SPDX-License-Identifier: Apache-2.0
#include "enforcer/calls.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/log.h"

static atomic_ullong refused;
static atomic_int last_refused;

/* Who is refused, as it is said; empty: nothing is. */
static char who[40];

static void add(char *line, size_t *n, const char *text)
{
	const size_t len = strlen(text);

	memcpy(line + *n, text, len);
	*n += len;
}

/* Nothing that a signal handler may not. */
static void tell(unsigned int call)
{
	char line[128], digits[12];
	size_t n = 0, at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + call % 10);
		call /= 10;
	} while (call);
	add(line, &n, who);
	add(line, &n, digits + at);
	add(line, &n, " was refused, which is not on its list\n");
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* to whom? */
}

/* In place of the call: its result. */
static void on_refused(int sig, siginfo_t *info, void *context)
{
	const unsigned long long n = atomic_fetch_add(&refused, 1) + 1;
	const int before = errno;
	ucontext_t *u = context;

	(void)sig;
	atomic_store(&last_refused, info->si_syscall);
	if (*who && !(n & (n - 1)))
		tell((unsigned int)info->si_syscall);
	errno = before;
#if defined(__x86_64__)
	u->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	u->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
#error "where does this machine keep the result of a system call?"
#endif
}

/*
 * abort(). Whoever may send even this one signal to others has much in hand: a service manager that
 * is PID 1 stops working for good when it comes.
 */
static int allow_abort(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp args[] = {
		PST_CALLS_IS(0, (scmp_datum_t)getpid()),
		PST_CALLS_IS(2, SIGABRT),
	};

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, args);
}

static int listen_to_refusals(bool tells)
{
	const struct sigaction on = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
	char name[16] = "";

	if (tells && !prctl(PR_GET_NAME, name))
		snprintf(who, sizeof(who), "%s: system call ", name);
	return sigaction(SIGSYS, &on, NULL) ? -errno : 0;
}

static int allow(scmp_filter_ctx ctx, const struct pst_calls *list)
{
	int r = 0;

	for (size_t i = 0; !r && i < list->n_calls; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list->calls[i], 0);
	for (size_t i = 0; !r && i < list->n_rules; i++)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, list->rules[i].call, 1,
					   &list->rules[i].arg);
	return r;
}

int pst_calls_keep(const struct pst_calls *lists, size_t n, bool tells)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = allow_abort(ctx);
	for (size_t i = 0; !r && i < n; i++)
		r = allow(ctx, &lists[i]);
	if (!r)
		r = listen_to_refusals(tells);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r ? pst_log_err(r, "cannot give up system calls") : 0;
}

uint64_t pst_calls_refused(int *ret_last)
{
	*ret_last = atomic_load(&last_refused);
	return atomic_load(&refused);
}
