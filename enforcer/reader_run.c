// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reader_run.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/confine.h"
#include "enforcer/land.h"
#include "enforcer/parcel.h"
#include "enforcer/reader.h"
#include "enforcer/sources.h"
#include "enforcer/starter.h"
#include "enforcer/watch.h"
#include "enforcer/wire.h"

enum { FD_DAEMON = 3, FDS_GIVEN = 2 };

/* ---- started by the daemon ---- */

/* The command line: what the options say of files. */
static const char **compose(const struct pst_options *o)
{
	const char **argv =
		pst_mem_calloc(2 * (o->n_policies + o->n_inventories) + 6, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		return NULL;
	argv[n++] = "postern-reader";
	argv[n++] = PST_READER_WORD;
	if (o->debug)
		argv[n++] = "--debug";
	for (size_t i = 0; i < o->n_policies; i++) {
		argv[n++] = "--policy";
		argv[n++] = o->policies[i];
	}
	for (size_t i = 0; i < o->n_inventories; i++) {
		argv[n++] = "--inventory";
		argv[n++] = o->inventories[i];
	}
	if (o->bundle) {
		argv[n++] = "--bundle";
		argv[n++] = o->bundle;
	}
	return argv;
}

/* Of the daemon's descriptors only FD remains, and SAID in place of stderr. */
static bool keep_only(int fd, int said)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(said, STDERR_FILENO) < 0)
		return false;
	if (fd == FD_DAEMON ? fcntl(fd, F_SETFD, 0) : dup2(fd, FD_DAEMON) < 0)
		return false;
	return !close_range(FD_DAEMON + 1, ~0U, 0);
}

void pst_reader_be(void *arg, const int *fds, size_t n)
{
	pst_auto_free const char **argv = compose(arg);
	sigset_t none;

	if (!argv || n != FDS_GIVEN)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (keep_only(fds[0], fds[1]))
		execv("/proc/self/exe", (char *const *)argv);
	pst_log_err(-errno, "cannot run /proc/self/exe, which reads the files");
	_exit(1);
}

/* The two ends of a pair. */
struct ends {
	int ours, theirs;
};

static void close_ends(const struct ends *e)
{
	pst_cleanup_fd(&e->ours);
	pst_cleanup_fd(&e->theirs);
}

/*
 * Little room for what it says: while the daemon puts one reading in force, no others pile up that
 * are old when their turn comes. It waits, and then reads all that has changed meanwhile.
 */
static int open_ends(struct ends *ret_fd, struct ends *ret_said)
{
	const int least = 1;
	int fds[2];
	int r = pst_wire_pair(fds);

	if (r)
		return r;
	*ret_fd = (struct ends){.ours = fds[0], .theirs = fds[1]};
	if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)))
		return -errno;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	*ret_said = (struct ends){.ours = fds[0], .theirs = fds[1]};
	return 0;
}

int pst_reader_start(void *arg, struct pst_reader_process *ret_process)
{
	static bool is_told;
	struct ends fd pst_cleanup(close_ends) = {-1, -1};
	struct ends said pst_cleanup(close_ends) = {-1, -1};
	struct pst_reader_process p = {.pid = 0};
	int r = open_ends(&fd, &said);

	if (!is_told && !pst_land_version())
		pst_log(PST_LOG_WARNING,
			"this kernel, or its service manager, gives no Landlock: the process that reads policies can read every file that root can");
	is_told = true;
	if (!r)
		r = pst_starter_run(arg, PST_START_READER, (int[]){fd.theirs, said.theirs},
				    FDS_GIVEN, &p.pid);
	if (r)
		return pst_log_err(r, "cannot start the reader of files");
	p.fd = PST_TAKE_FD(fd.ours);
	p.said = PST_TAKE_FD(said.ours);
	*ret_process = p;
	return 0;
}

/* ---- the process ---- */

struct run {
	struct pst_sources *sources;
	struct pst_watch *watch;
	bool is_barred; /* some of the files were not for it from the beginning */
};

static void run_fini(struct run *run)
{
	pst_watch_close(&run->watch);
	pst_sources_free(&run->sources);
}

/* The daemon is gone, or nothing can be said to it: nobody needs what is read. */
static int say(enum pst_wire_kind kind, uint32_t id, int error, int pass)
{
	const struct pst_wire w = {.kind = kind, .id = id, .error = error};

	return pst_wire_send(FD_DAEMON, &w, pass);
}

/* 0: the daemon has it. */
static int hand_over(struct pst_reading *reading, enum pst_anew anew, int error)
{
	pst_auto_fd int fd = -1;

	if (error || !pst_reader_is_wanted(reading, anew))
		pst_bundle_free(&reading->bundle);
	fd = pst_parcel_write(reading);
	if (fd < 0)
		return pst_log_err(fd, "cannot hand over what the files say");
	return say(PST_WIRE_READING, anew, error, fd);
}

/* NEWS: what can have changed; NULL: everything. */
static int read_files(struct run *run, const struct pst_watch_news *news, enum pst_anew anew)
{
	struct pst_reading reading = {0};
	int r = say(PST_WIRE_BEGUN, 0, 0, -1), error;

	if (r)
		return r;
	error = news && news->names
			? pst_sources_read_some(run->sources, news->names, news->n, &reading)
			: pst_sources_read(run->sources, &reading);
	if (error && !reading.standing)
		reading.standing = pst_diags_new();
	r = reading.standing ? hand_over(&reading, anew, error) : -ENOMEM;
	pst_reading_fini(&reading);
	return r;
}

static int answer(struct run *run)
{
	pst_auto_fd int pass = -1;
	struct pst_wire w;
	int r = pst_wire_recv(FD_DAEMON, 0, &w, &pass);

	if (r)
		return r;
	switch (w.kind) {
	case PST_WIRE_READ:
		return read_files(run, NULL, (enum pst_anew)w.id);
	case PST_WIRE_PING:
		return say(PST_WIRE_PING, 0, 0, -1);
	case PST_WIRE_REFUSED:
		pst_sources_forget(run->sources);
		return 0;
	default:
		return -EPROTO;
	}
}

/* ---- what it may open ---- */

static bool is_open_to_us(const struct run *run)
{
	size_t n;
	const char *const *roots = pst_watch_roots(run->watch, &n);

	for (size_t i = 0; i < n; i++) {
		pst_auto_fd int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno == EACCES)
			return false;
	}
	return true;
}

/* Where the files are shows before anything is read of them. */
static int keep_files(struct run *run)
{
	size_t n = 0;
	const char *const *roots = run->watch ? pst_watch_roots(run->watch, &n) : NULL;

	run->is_barred = run->watch && !is_open_to_us(run);
	for (size_t i = 0; pst_land_version() && i < n; i++)
		pst_log(PST_LOG_DEBUG, "it may read what is beneath %s", roots[i]);
	return pst_land_keep(roots, n);
}

/*
 * A directory was replaced, or a symlink leads somewhere else: a place that was not known when the
 * others were given up. The next process finds it.
 */
static bool has_moved(const struct run *run, const struct pst_watch_news *news)
{
	if (news->names || run->is_barred || is_open_to_us(run))
		return false;
	pst_log(PST_LOG_INFO,
		"the files are where this process may not look: another one takes over");
	return true;
}

static int loop(struct run *run)
{
	struct pollfd fds[] = {{.fd = FD_DAEMON, .events = POLLIN},
			       {.fd = pst_watch_fd(run->watch), .events = POLLIN}};
	struct pst_watch_news news;
	int r = 0;

	while (!r) {
		if (poll(fds, 2, -1) < 0) {
			r = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (fds[0].revents)
			r = answer(run);
		if (!r && fds[1].revents && pst_watch_dispatch(run->watch, &news))
			r = has_moved(run, &news) ? -ESTALE
						  : read_files(run, &news, PST_ANEW_NEVER);
	}
	return r == -EPIPE || r == -ESTALE ? 0 : r;
}

static int open_watch(struct run *run, const struct pst_options *o)
{
	const size_t n = o->n_policies + o->n_inventories;
	pst_auto_free const char **paths = pst_mem_calloc(n, sizeof(*paths));

	if (o->bundle)
		return pst_watch_open(&o->bundle, 1, &run->watch);
	if (!paths)
		return -ENOMEM;
	memcpy(paths, o->policies, o->n_policies * sizeof(*paths));
	memcpy(paths + o->n_policies, o->inventories, o->n_inventories * sizeof(*paths));
	return pst_watch_open(paths, n, &run->watch);
}

static int open_sources(struct run *run, const struct pst_options *o)
{
	run->sources = o->bundle ? pst_sources_new_bundle(o->bundle)
				 : pst_sources_new(o->policies, o->n_policies, o->inventories,
						   o->n_inventories);
	return run->sources ? 0 : -ENOMEM;
}

/* The kernel takes the memory of whoever needs it least: this one is started again. */
static void offer_oneself(void)
{
	pst_auto_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) != 4)
		pst_log(PST_LOG_DEBUG, "cannot offer to end when memory is short");
}

/* Signals to all processes of the service are for the daemon: its end is this one's. */
static int confine(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "postern-reader");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return pst_log_err(-errno, "cannot bind its life to the daemon's");
	offer_oneself();
	return pst_confine_caps(PST_CAPS_READER) ? -EPERM : 0;
}

/* What changes after the first look is seen: it is watched before. Nothing has been read of any
 * file when the last rights go. */
static int begin(struct run *run, const struct pst_options *opts)
{
	int blind, r = open_sources(run, opts);

	if (r)
		return r;
	blind = open_watch(run, opts);
	if (keep_files(run) || pst_confine_reader())
		return -EPERM;
	if (blind)
		r = say(PST_WIRE_BLIND, 0, blind, -1);
	if (!r)
		r = read_files(run, NULL, PST_ANEW_NEVER);
	malloc_trim(0); /* the first reading is the largest by far */
	return r ? r : blind;
}

int pst_reader_run(const struct pst_options *opts)
{
	struct run run pst_cleanup(run_fini) = {0};
	int r = confine();

	if (!r)
		r = begin(&run, opts);
	if (!r)
		r = loop(&run);
	return r ? 1 : 0;
}
