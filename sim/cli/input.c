/* SPDX-License-Identifier: MIT */
/* Where the buffers of the tables come from: this machine, a file, or the recordings that ship. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <phyr/heap.h>

#include "cli.h"

#define LATE 4096

static const char *const shipped[] = { "base-fresh.txt", "base-fragmented.txt", "thp.txt" };

static enum status fail_file(const char *path, int err, const struct phyr_recording_error *error)
{
	if (err == PHYR_E_IO && error->os_errno)
		say("%s: %s", path, strerror(error->os_errno));
	else if ((err == PHYR_E_FORMAT || err == PHYR_E_VERSION) && error->line)
		say("%s:%llu: %s", path, (unsigned long long)error->line, error->reason);
	else if (err == PHYR_E_FORMAT || err == PHYR_E_VERSION)
		say("%s: byte %llu: %s", path, (unsigned long long)error->offset, error->reason);
	else
		say("%s: %s", path, phyr_strerror(err));
	return STATUS_FAILURE;
}

static enum status load(struct input *input, const char *path)
{
	struct phyr_recording_error error = { .reason = "" };
	int err = phyr_recording_load(input->recording, path, &error);

	return err ? fail_file(path, err, &error) : STATUS_OK;
}

/* The recordings of this program: as in the tree that it was built from, else as installed. */
static enum status load_shipped(struct input *input)
{
	const char *dir = PHYRSIM_SOURCE_RECORDINGS;
	char path[4096];
	struct stat found;

	if (stat(dir, &found))
		dir = PHYRSIM_INSTALLED_RECORDINGS;
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

static size_t wishes(const struct options *options, struct wish list[LIVE_MAX])
{
	size_t cnt = 0;

	if (options->pid || options->pages_given) {
		list[0] = (struct wish){ options->pages, options->offset, NULL };
		return 1;
	}
	for (int pages = PHYRSIM_PAGES_BASE; pages <= PHYRSIM_PAGES_THP; pages++)
		list[cnt++] = (struct wish){ (enum phyrsim_pages)pages, options->offset, NULL };
	/* Entering late needs something behind the first page. */
	if (!options->offset_given && options->size > LATE)
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

/* Whoever asks for memory of a process, or to hold it, is not helped with something else. */
static bool may_fall_back(const struct options *options, int err)
{
	if (options->pid || options->state != PHYR_PIN_SNAPSHOT)
		return false;
	return err == PHYR_E_PERM ||
	       (err == PHYR_E_UNSUPPORTED && options->pages != PHYRSIM_PAGES_HUGETLB);
}

static enum status look(struct input *input, const struct options *options)
{
	struct live_error error;
	struct wish list[LIVE_MAX];
	size_t cnt = wishes(options, list);

	input->live = true;
	for (size_t i = 0; i < cnt; i++) {
		int err = live_look(input, options, &list[i], &error);

		if (err && may_fall_back(options, err))
			return fall_back(input, options);
		if (err)
			return live_fail(options, err, &error);
	}
	progress("");
	return STATUS_OK;
}

static enum phyr_recording_format format_of(const char *path)
{
	static const char ending[] = ".phyr";
	size_t len = strlen(path);
	size_t ending_len = sizeof(ending) - 1;

	return len >= ending_len && strcmp(path + len - ending_len, ending) == 0 ?
		       PHYR_RECORDING_BINARY :
		       PHYR_RECORDING_TEXT;
}

enum status input_save(const struct input *input, const struct options *options)
{
	struct phyr_recording_error error = { .reason = "" };
	const char *path = options->save;
	int err = PHYR_OK;

	if (options->anonymise)
		err = phyr_recording_anonymise(input->recording);
	if (err)
		return fail("--anonymise", err);
	err = phyr_recording_save(input->recording, path, format_of(path), &error);
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
		status = input_save(input, options);
	return status;
}

void input_close(struct input *input)
{
	phyr_recording_destroy(input->recording);
}
