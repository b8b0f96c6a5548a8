/* SPDX-License-Identifier: MIT */
/* Looking at memory of this machine: fresh buffers of ours, and what other processes have. */

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <phyr/heap.h>

#include "cli.h"

double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What is looked at, as a title; the caller's text holds it if it is made. */
static const char *title(const struct options *options, const struct wish *wish,
			 char text[PHYR_RECORDING_TITLE_LEN])
{
	static const char *const pages[PHYRSIM_PAGES_CNT] = {
		"base pages",
		"transparent huge pages",
		"reserved huge pages",
	};

	if (wish->title)
		return wish->title;
	if (options->pid && options->anonymise)
		return "another process"; /* whose and where would say too much */
	if (options->pid)
		(void)snprintf(text, PHYR_RECORDING_TITLE_LEN, "process %lu at 0x%llx",
			       (unsigned long)options->pid, (unsigned long long)options->va);
	else
		(void)snprintf(text, PHYR_RECORDING_TITLE_LEN, "%s%s%s", pages[wish->pages],
			       options->fragment_given ? ", fragmented memory" : "",
			       wish->offset ? ", entered late" : "");
	return text;
}

static const char *source(const struct options *options)
{
	static const char *const sources[] = {
		"this machine, now",
		"this machine, now, locked",
		"this machine, now, pinned",
	};

	return options->pid ? "another process, now" : sources[options->state];
}

/* Adds a range to the recording; it is held no longer than that takes. */
static int pin(struct input *input, const char *name, const struct phyr_pin_params *params,
	       struct phyr_pin_error *ret_error)
{
	struct phyr_recording_buffer *entry;
	struct phyr_pin_result result;
	struct phyr_pin *held = NULL;
	int err = phyr_recording_add(input->recording, name, &entry);

	if (!err)
		err = phyr_pin(params, &entry->list, &held, &result, ret_error);
	if (err)
		return err;
	phyr_pin_release(held);
	input->moved_cnt += result.moved_cnt;
	if (result.moved_cnt) {
		progress("");
		say("%s: %llu of %llu pages moved while they were looked at, the first at 0x%llx",
		    name, (unsigned long long)result.moved_cnt, (unsigned long long)result.page_cnt,
		    (unsigned long long)result.moved_va);
	}
	return PHYR_OK;
}

static int look_elsewhere(struct input *input, const struct options *options, const char *name,
			  struct live_error *ret_error)
{
	size_t index = phyr_recording_cnt(input->recording);
	struct phyr_pin_params params = { .va = options->va,
					  .len = options->size,
					  .pid = options->pid };
	double start = seconds();
	int err = pin(input, name, &params, &ret_error->pin);

	input->provide_s[index] = -1;
	input->pin_s[index] = seconds() - start;
	return err;
}

/* Would touching so much memory invite the system to kill somebody? */
static bool too_much(const struct options *options)
{
	uint64_t available;

	return options->pages != PHYRSIM_PAGES_HUGETLB &&
	       phyrsim_fragment_available(&available) == PHYR_OK && options->size > available;
}

/* Gets a buffer, notes its physical addresses, gives it back. */
static int look_here(struct input *input, const struct options *options, const struct wish *wish,
		     const char *name, struct live_error *ret_error)
{
	struct phyrsim_buffer_params wanted = { phyr_heap_mem(), options->size, wish->offset,
						wish->pages };
	struct phyr_pin_params params = { .mem = wanted.mem, .state = options->state };
	size_t index = phyr_recording_cnt(input->recording);
	struct phyrsim_buffer *buffer;
	double start = seconds();
	int err = PHYR_E_NOSPACE;

	if (!too_much(options))
		err = phyrsim_buffer_create(&wanted, &buffer, &ret_error->buffer);
	ret_error->pinning = !err;
	if (err)
		return err;
	input->provide_s[index] = seconds() - start;
	start = seconds();
	params.va = phyrsim_buffer_va(buffer);
	params.len = phyrsim_buffer_len(buffer);
	err = pin(input, name, &params, &ret_error->pin);
	input->pin_s[index] = seconds() - start;
	start = seconds();
	phyrsim_buffer_destroy(buffer);
	input->provide_s[index] += seconds() - start;
	return err;
}

int live_look(struct input *input, const struct options *options, const struct wish *wish,
	      struct live_error *ret_error)
{
	char text[PHYR_RECORDING_TITLE_LEN];
	const char *name = title(options, wish, text);

	*ret_error = (struct live_error){ { "", 0, 0 }, { 0, 0, "" }, options->pid != 0 };
	input->live = true;
	input->source = source(options);
	progress(name);
	return options->pid ? look_elsewhere(input, options, name, ret_error) :
			      look_here(input, options, wish, name, ret_error);
}

static void explain_buffer(int err, const struct phyrsim_buffer_error *error)
{
	uint64_t available = 0;

	if (err == PHYR_E_NOSPACE && phyrsim_fragment_available(&available) == PHYR_OK)
		say("--size: is more than the %llu MiB that are available",
		    (unsigned long long)(available >> 20));
	else if (err == PHYR_E_RANGE)
		say("--size: does not fit the address space");
	else if (err == PHYR_E_LIMIT)
		say("--pages: too few huge pages of 2M are reserved (enough: sysctl "
		    "vm.nr_hugepages=%llu)",
		    (unsigned long long)error->reserve_cnt);
	else if (err == PHYR_E_UNSUPPORTED)
		say("--pages: this machine has no huge pages of 2M to reserve");
	else
		say("--size: no memory to look at: %s: %s", error->step,
		    error->os_errno ? strerror(error->os_errno) : phyr_strerror(err));
}

static void explain_pin(const struct options *options, int err, const struct phyr_pin_error *error)
{
	unsigned long long va = error->va;
	const char *what = options->pid ? "--pid" : "this machine's memory";

	if (options->state != PHYR_PIN_SNAPSHOT)
		what = "--pin";
	if (err == PHYR_E_NOENT && options->pid)
		say("--pid: no page is at 0x%llx: not mapped, not touched, or swapped out", va);
	else if (err == PHYR_E_NOENT)
		say("the page at 0x%llx was taken away while it was looked at", va);
	else if (err == PHYR_E_LIMIT)
		say("--pin: %s: this process may hold no more memory (see ulimit -l)", error->step);
	else if (err == PHYR_E_PERM && error->os_errno == 0)
		say("no physical addresses without CAP_SYS_ADMIN");
	else
		say("%s: %s%s%s", what, error->step, *error->step ? ": " : "",
		    error->os_errno ? strerror(error->os_errno) : phyr_strerror(err));
}

enum status live_fail(const struct options *options, int err, const struct live_error *error)
{
	progress("");
	if (error->pinning)
		explain_pin(options, err, &error->pin);
	else
		explain_buffer(err, &error->buffer);
	return STATUS_FAILURE;
}
