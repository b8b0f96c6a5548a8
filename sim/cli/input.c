/* SPDX-License-Identifier: MIT */
/* Where the buffers come from: this machine, a file, or the recordings that ship. */

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <phyr/heap.h>

#include "cli.h"

#define LATE 4096

/* A buffer to ask this machine for. */
struct wish {
	enum phyrsim_pages pages;
	uint64_t offset;
	const char *title;
};

static const char *const shipped[] = { "base-fresh.txt", "base-fragmented.txt", "thp.txt" };

double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A passing word on a terminal, which the next one or an empty one replaces. */
static void progress(const char *word)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r\033[K%s%s", *word ? "phyrsim: " : "", word);
}

static enum status fail(const char *what, int err)
{
	progress("");
	say("%s: %s", what, phyr_strerror(err));
	return STATUS_FAILURE;
}

static enum status fail_file(const char *path, int err, const struct phyr_recording_error *error)
{
	if (err == PHYR_E_IO && error->os_errno)
		say("%s: %s", path, strerror(error->os_errno));
	else if ((err == PHYR_E_FORMAT || err == PHYR_E_VERSION) && error->line)
		say("%s:%llu: %s", path, (unsigned long long)error->line, error->reason);
	else
		say("%s: %s", path, phyr_strerror(err));
	return STATUS_FAILURE;
}

static enum status load(struct input *input, const char *path)
{
	struct phyr_recording_error error = { 0, "", 0 };
	int err = phyr_recording_load(input->recording, path, &error);

	return err ? fail_file(path, err, &error) : STATUS_OK;
}

/* The recordings of this program: as installed, else as in the source tree. */
static enum status load_shipped(struct input *input)
{
	const char *dir = PHYRSIM_INSTALLED_RECORDINGS;
	char path[4096];
	struct stat found;

	if (stat(dir, &found))
		dir = PHYRSIM_SOURCE_RECORDINGS;
	input->source = "a recording that comes with the program";
	for (size_t i = 0; i < sizeof(shipped) / sizeof(*shipped); i++) {
		enum status status;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, shipped[i]);
		status = load(input, path);
		if (status)
			return status;
	}
	return STATUS_OK;
}

/* Gets a buffer, notes its physical addresses, gives it back. */
static int look_at(struct input *input, const struct options *options, const struct wish *wish,
		   struct phyrsim_buffer_error *buffer_error, struct phyr_pin_error *pin_error)
{
	struct phyrsim_buffer_params params = { phyr_heap_mem(), options->size, wish->offset,
						wish->pages };
	size_t index = phyr_recording_cnt(input->recording);
	struct phyr_recording_buffer *entry;
	struct phyrsim_buffer *buffer;
	double start = seconds();
	int err;

	progress(wish->title);
	err = phyrsim_buffer_create(&params, &buffer, buffer_error);
	if (err)
		return err;
	input->provide_s[index] = seconds() - start;
	start = seconds();
	err = phyr_recording_add(input->recording, wish->title, &entry);
	if (!err)
		err = phyrsim_buffer_pin(buffer, &entry->list, pin_error);
	input->pin_s[index] = seconds() - start;
	start = seconds();
	phyrsim_buffer_destroy(buffer);
	input->provide_s[index] += seconds() - start;
	return err;
}

static enum status explain(int err, const struct phyrsim_buffer_error *buffer_error,
			   const struct phyr_pin_error *pin_error)
{
	progress("");
	if (err == PHYR_E_IO && buffer_error->os_errno)
		say("--size: no memory to look at: %s: %s", buffer_error->step,
		    strerror(buffer_error->os_errno));
	else if (err == PHYR_E_RANGE)
		say("--size: does not fit the address space");
	else if (err == PHYR_E_NOENT)
		say("the page at 0x%llx was taken away while it was looked at",
		    (unsigned long long)pin_error->va);
	else if (err == PHYR_E_IO)
		say("the page map cannot be read: %s", strerror(pin_error->os_errno));
	else
		return fail("this machine's memory", err);
	return STATUS_FAILURE;
}

static size_t wishes(const struct options *options, struct wish list[3])
{
	static const char *const titles[2][2] = {
		{ "base pages", "base pages, entered late" },
		{ "transparent huge pages", "transparent huge pages, entered late" },
	};
	size_t cnt = 0;

	for (int pages = PHYRSIM_PAGES_BASE; pages <= PHYRSIM_PAGES_THP; pages++)
		if (!options->pages_given || (int)options->pages == pages)
			list[cnt++] = (struct wish){ (enum phyrsim_pages)pages, options->offset,
						     titles[pages][options->offset != 0] };
	/* Entering late needs something behind the first page. */
	if (!options->pages_given && !options->offset_given && options->size > LATE)
		list[cnt++] = (struct wish){ PHYRSIM_PAGES_THP, LATE,
					     "transparent huge pages, entered 4 KiB late" };
	return cnt;
}

/* Frame numbers are hidden here: say so, and show what others recorded. */
static enum status fall_back(struct input *input, const struct options *options)
{
	int err;

	progress("");
	if (options->save) {
		say("--save: this process may not see physical addresses: nothing to save");
		return STATUS_FAILURE;
	}
	say("no physical addresses without CAP_SYS_ADMIN: showing recordings instead%s",
	    options->size_given || options->pages_given || options->offset_given ?
		    " (--size, --pages and --offset do not apply)" :
		    "");
	phyr_recording_destroy(input->recording);
	input->recording = NULL;
	input->live = false;
	err = phyr_recording_create(phyr_heap_mem(), &input->recording);
	return err ? fail("a recording", err) : load_shipped(input);
}

static enum status look(struct input *input, const struct options *options)
{
	struct phyrsim_buffer_error buffer_error = { "", 0 };
	struct phyr_pin_error pin_error = { 0, 0 };
	struct wish list[3];
	size_t cnt = wishes(options, list);

	input->source = "this machine, now";
	input->live = true;
	input->provide_s = calloc(cnt, sizeof(double));
	input->pin_s = calloc(cnt, sizeof(double));
	if (!input->provide_s || !input->pin_s)
		return fail("this machine's memory", PHYR_E_NOMEM);
	for (size_t i = 0; i < cnt; i++) {
		int err = look_at(input, options, &list[i], &buffer_error, &pin_error);

		if (err == PHYR_E_PERM || err == PHYR_E_UNSUPPORTED)
			return fall_back(input, options);
		if (err)
			return explain(err, &buffer_error, &pin_error);
	}
	progress("");
	return STATUS_OK;
}

static enum status save(const struct input *input, const char *path)
{
	struct phyr_recording_error error = { 0, "", 0 };
	int err = phyr_recording_save(input->recording, path, &error);

	return err ? fail_file(path, err, &error) : STATUS_OK;
}

enum status input_open(struct input *input, const struct options *options)
{
	enum status status;
	int err;

	memset(input, 0, sizeof(*input));
	err = phyr_recording_create(phyr_heap_mem(), &input->recording);
	if (err)
		return fail("a recording", err);
	input->source = options->load;
	status = options->load ? load(input, options->load) : look(input, options);
	if (status == STATUS_OK && options->save)
		status = save(input, options->save);
	return status;
}

void input_close(struct input *input)
{
	phyr_recording_destroy(input->recording);
	free(input->provide_s);
	free(input->pin_s);
}
