/* SPDX-License-Identifier: MIT */
/* phyrsim without a command: what memory costs, as tables. */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>

#include "cli.h"

static const char help[] =
	"Usage: phyrsim [OPTION]...\n"
	"       phyrsim record [OPTION]... --save FILE\n"
	"       phyrsim explain-region [OPTION]...\n"
	"       phyrsim cases [OPTION]...\n"
	"Takes memory of this machine and shows what it costs to describe, to map for a device\n"
	"behind an IOMMU, and to translate in the device: as it is done today, and at best.\n"
	"\n"
	"  --size SIZE       how much memory (default 100M)\n"
	"  --pages base|thp|hugetlb\n"
	"                    only base pages, transparent huge pages, or reserved huge pages\n"
	"                    (default: the first two, and huge pages entered 4 KiB late)\n"
	"  --offset SIZE     how far into the memory the buffer starts\n"
	"  --pin snapshot|locked|pinned\n"
	"                    what holds the pages while they are looked at (default: nothing)\n"
	"  --pid PID --va ADDRESS --size SIZE\n"
	"                    memory of another process\n"
	"  --device-sizes LIST\n"
	"                    page sizes of the device's table, as 4K,1M,2M (default 4K to 2G)\n"
	"  --save FILE       also keep the physical addresses as a recording, which is packed if\n"
	"                    the name ends in .phyr, else a text; with --load: convert it\n"
	"  --anonymise       with --save: hide where the memory is, not how it is arranged\n"
	"  --load FILE       show a recording instead of this machine's memory\n"
	"  --format FORMAT   text (default) or json\n"
	"  --help            this text; after a command, what it does\n"
	"  --version         the version\n"
	"\n"
	"SIZE is bytes, or a number with K, M, G or T (powers of 1024); a multiple of 4K.\n"
	"Physical addresses need privilege (CAP_SYS_ADMIN); without it the recordings that come\n"
	"with the program are shown. Exit status: 0 done, 1 failure, 2 wrong usage.\n";

static const struct option known[] = {
	{ "device-sizes", required_argument, NULL, LETTER_SIZES },
	{ "save", required_argument, NULL, LETTER_SAVE },
	{ "anonymise", no_argument, NULL, LETTER_ANONYMISE },
	{ "load", required_argument, NULL, LETTER_LOAD },
	{ "format", required_argument, NULL, LETTER_FORMAT },
	MEMORY_OPTIONS,
	COMMON_OPTIONS,
};

static bool check(const struct options *options)
{
	if (options->anonymise && !options->save) {
		say("--anonymise: is for what is kept (--save)");
		return false;
	}
	return options_name_input(options);
}

static enum status run_buffer(const struct input *input, size_t index, phyr_sizes device_sizes,
			      struct phyrsim_report_item *item, struct phyrsim_result *result)
{
	struct phyrsim_run_params params = { phyr_heap_mem(), device_sizes, 0 };
	struct phyr_recording_buffer *buffer = phyr_recording_buffer(input->recording, index);
	struct phyrsim_run_error error = { "", 0, false };
	double start = seconds();
	int err = phyrsim_run(&params, &buffer->list, result, &error);

	if (err && error.mistranslated) {
		say("%s: %s: byte %llu is translated wrongly: a defect of this program",
		    buffer->title, error.step, (unsigned long long)error.offset);
		return STATUS_FAILURE;
	}
	if (err) {
		say("%s: %s: %s", buffer->title, error.step, phyr_strerror(err));
		return STATUS_FAILURE;
	}
	item->title = buffer->title;
	item->source = input->source;
	item->result = result;
	item->provide_s = input->live ? input->provide_s[index] : -1;
	item->run_s = input->live ? input->pin_s[index] + (seconds() - start) : -1;
	return STATUS_OK;
}

static enum status report(const struct options *options, const struct phyrsim_report_item *items,
			  size_t cnt)
{
	int err = phyrsim_report(stdout, options->format, items, cnt);

	if (err == PHYR_OK && fflush(stdout) == 0)
		return STATUS_OK;
	if (err == PHYR_E_NOMEM)
		say("the report: %s", phyr_strerror(err));
	else
		say("standard output cannot be written");
	return STATUS_FAILURE;
}

static enum status run_buffers(const struct options *options, const struct input *input)
{
	size_t cnt = phyr_recording_cnt(input->recording);
	struct phyrsim_report_item *items = calloc(cnt, sizeof(*items));
	struct phyrsim_result *results = calloc(cnt, sizeof(*results));
	enum status status = items && results ? STATUS_OK : STATUS_FAILURE;

	if (status)
		say("%s", phyr_strerror(PHYR_E_NOMEM));
	for (size_t i = 0; status == STATUS_OK && i < cnt; i++)
		status = run_buffer(input, i, options->device_sizes, &items[i], &results[i]);
	if (status == STATUS_OK)
		status = report(options, items, cnt);
	free(items);
	free(results);
	return status;
}

static enum status run(const struct options *options)
{
	struct input input;
	enum status status = input_open(&input, options);

	if (status == STATUS_OK)
		status = run_buffers(options, &input);
	input_close(&input);
	return status;
}

const struct command command_run = { NULL, help, known, check, run };
