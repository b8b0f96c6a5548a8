/* SPDX-License-Identifier: MIT */
/*
 * phyrsim record: memory of this machine as a recording, of fragmented memory if wanted. What must
 * fail is made to fail before memory is filled, which takes a while and disturbs others.
 */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <phyr/heap.h>

#include "cli.h"

static const char help[] =
	"Usage: phyrsim record [OPTION]... --save FILE\n"
	"Takes memory of this machine and keeps its physical addresses as a recording.\n"
	"\n"
	"  --save FILE       where to; required; packed if the name ends in .phyr, else a text\n"
	"  --anonymise       hide where the memory is, not how it is arranged\n"
	"  --size SIZE       how much memory (default 100M)\n"
	"  --pages base|thp|hugetlb\n"
	"                    base pages (default), transparent huge pages, reserved huge pages\n"
	"  --offset SIZE     how far into the memory the buffer starts\n"
	"  --fragment SIZE|PERCENT%\n"
	"                    first fill so much memory with base pages, of what is available if "
	"in\n"
	"                    percent, and give back every eighth of them by chance; at most 80 %\n"
	"  --pin snapshot|locked|pinned\n"
	"                    what holds the pages while they are looked at (default: nothing)\n"
	"  --pid PID --va ADDRESS --size SIZE\n"
	"                    memory of another process\n"
	"  --title TITLE     what the recording is called (default: what it is)\n"
	"  --help            this text\n"
	"  --version         the version\n"
	"\n"
	"SIZE is bytes, or a number with K, M, G or T (powers of 1024); a multiple of 4K.\n"
	"Physical addresses need privilege (CAP_SYS_ADMIN).\n"
	"Exit status: 0 done, 1 failure, 2 wrong usage.\n";

static const struct option known[] = {
	{ "save", required_argument, NULL, LETTER_SAVE },
	{ "anonymise", no_argument, NULL, LETTER_ANONYMISE },
	{ "fragment", required_argument, NULL, LETTER_FRAGMENT },
	{ "title", required_argument, NULL, LETTER_TITLE },
	MEMORY_OPTIONS,
	COMMON_OPTIONS,
};

static bool check(const struct options *options)
{
	if (!options->save)
		say("--save: where to?");
	else if (options->pid && options->fragment_given)
		say("--fragment: cannot change another process's memory (--pid)");
	else
		return options_name_memory(options);
	return false;
}

/* Is the title one, and does the system show any frame numbers? */
static enum status try(const struct options *options, struct phyr_recording *recording)
{
	struct phyr_pin_params params = { .va = (uint64_t)(uintptr_t)&params, .len = 1 };
	struct live_error error = { { "", 0, 0 }, { 0, 0, "" }, true };
	const struct options ours = { .state = PHYR_PIN_SNAPSHOT };
	struct phyr_recording_buffer *entry;
	int err = phyr_recording_add(recording, options->title ? options->title : "a try", &entry);

	if (err == PHYR_E_INVAL) {
		say("--title: is not one line of 1 to %d printable ASCII characters",
		    PHYR_RECORDING_TITLE_LEN - 1);
		return STATUS_MISUSE;
	}
	if (err)
		return fail("a recording", err);
	err = phyr_pin(&params, &entry->list, NULL, NULL, &error.pin);
	return err ? live_fail(&ours, err, &error) : STATUS_OK;
}

static enum status try_first(const struct options *options)
{
	struct phyr_recording *recording;
	enum status status;
	int err = phyr_recording_create(phyr_heap_mem(), &recording);

	if (err)
		return fail("a recording", err);
	status = try(options, recording);
	phyr_recording_destroy(recording);
	return status;
}

static void tell(void *ctx, uint64_t done, uint64_t len)
{
	char word[64];

	(void)ctx;
	(void)snprintf(word, sizeof(word), "fragmenting: %llu of %llu MiB",
		       (unsigned long long)(done >> 20), (unsigned long long)(len >> 20));
	progress(word);
}

static enum status fail_fragment(int err, const struct phyrsim_buffer_error *error)
{
	uint64_t available = 0;

	progress("");
	if (err == PHYR_E_LIMIT && phyrsim_fragment_available(&available) == PHYR_OK)
		say("--fragment: is more than %d %% of the %llu MiB that are available",
		    PHYRSIM_FRAGMENT_PERCENT_MAX, (unsigned long long)(available >> 20));
	else if (err == PHYR_E_IO && error->os_errno)
		say("--fragment: %s: %s", error->step, strerror(error->os_errno));
	else
		return fail("--fragment", err);
	return STATUS_FAILURE;
}

static enum status fragment(const struct fragment_wish *wish,
			    struct phyrsim_fragment **ret_fragment)
{
	struct phyrsim_fragment_params params = { .mem = phyr_heap_mem(),
						  .len = wish->len,
						  .percent = (unsigned int)wish->percent,
						  .progress = tell };
	struct phyrsim_buffer_error error = { "", 0, 0 };
	int err = phyrsim_fragment_create(&params, ret_fragment, &error);

	progress("");
	return err ? fail_fragment(err, &error) : STATUS_OK;
}

static enum status look(struct input *input, const struct options *options)
{
	struct wish wish = { options->pages, options->offset, options->title };
	struct phyrsim_fragment *held = NULL;
	enum status status = STATUS_OK;
	struct live_error error;
	int err;

	if (options->fragment_given)
		status = fragment(&options->fragment, &held);
	if (status)
		return status;
	err = live_look(input, options, &wish, &error);
	phyrsim_fragment_destroy(held);
	if (err)
		return live_fail(options, err, &error);
	progress("");
	return STATUS_OK;
}

/* One line that says what was kept. */
static enum status tell_what(const struct input *input)
{
	struct phyr_recording_buffer *buffer = phyr_recording_buffer(input->recording, 0);
	struct phyr_list_stats stats;

	phyr_list_stats(&buffer->list, &stats);
	if (printf("%s: %lluK in %llu run%s (%s; %llu page%s moved)\n", buffer->title,
		   (unsigned long long)(stats.len >> 10), (unsigned long long)stats.run_cnt,
		   stats.run_cnt == 1 ? "" : "s", input->source,
		   (unsigned long long)input->moved_cnt, input->moved_cnt == 1 ? "" : "s") > 0 &&
	    fflush(stdout) == 0)
		return STATUS_OK;
	say("standard output cannot be written");
	return STATUS_FAILURE;
}

static enum status record(const struct options *options)
{
	enum status status = try_first(options);
	struct input input = { .source = "" };
	int err;

	if (status)
		return status;
	err = phyr_recording_create(phyr_heap_mem(), &input.recording);
	if (err)
		return fail("a recording", err);
	status = look(&input, options);
	if (status == STATUS_OK)
		status = input_save(&input, options);
	if (status == STATUS_OK)
		status = tell_what(&input);
	input_close(&input);
	return status;
}

const struct command command_record = { "record", help, known, check, record };
