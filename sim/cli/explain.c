/* SPDX-License-Identifier: MIT */
/* phyrsim explain-region: why the device's pages are not larger, for memory without an IOMMU. */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>

#include "cli.h"

/* Every power of two from 4 KiB to 2 GiB, as mlx5. */
#define DEVICE_SIZES UINT64_C(0xfffff000)

static const char help[] =
	"Usage: phyrsim explain-region [OPTION]...\n"
	"Says which page size a device's table would have for a region of physical memory, and "
	"what\n"
	"keeps it from being larger: which joint, which bits of which addresses.\n"
	"\n"
	"  --name va|zero    by what the device names the region: the process's address "
	"(default),\n"
	"                    as ibv_reg_mr() does, or zero\n"
	"  --covering        pages may reach beyond the region, as Linux lets them\n"
	"  --device-sizes LIST\n"
	"                    page sizes of the device's table, as 4K,1M,2M (default 4K to 2G)\n"
	"  --load FILE       explain a recording instead of this machine's memory\n"
	"  --size SIZE, --pages base|thp|hugetlb, --offset SIZE, --pin KIND, --pid PID --va "
	"ADDRESS\n"
	"                    what memory of this machine, as without a command\n"
	"  --help            this text\n"
	"  --version         the version\n"
	"\n"
	"Behind an IOMMU the region is one range, and where that lies decides: see the tables of\n"
	"phyrsim without a command. Exit status: 0 done, 1 failure, 2 wrong usage.\n";

static const struct option known[] = {
	{ "name", required_argument, NULL, LETTER_NAME },
	{ "covering", no_argument, NULL, LETTER_COVERING },
	{ "device-sizes", required_argument, NULL, LETTER_SIZES },
	{ "load", required_argument, NULL, LETTER_LOAD },
	MEMORY_OPTIONS,
	COMMON_OPTIONS,
};

/* The region's first byte keeps its place in its page, whatever its name. */
static uint64_t name_of(const struct phyr_list *list, bool zero)
{
	return zero ? phyr_list_va(list) % PHYR_PAGE_SIZE : phyr_list_va(list);
}

static enum status explain_buffer(const struct options *options, const struct input *input,
				  size_t index)
{
	struct phyr_recording_buffer *buffer = phyr_recording_buffer(input->recording, index);
	enum phyr_cover cover = options->covering ? PHYR_COVER_ALLOW : PHYR_COVER_FORBID;
	phyr_sizes sizes = { options->device_sizes.mask ? options->device_sizes.mask :
							  DEVICE_SIZES };
	struct phyr_explanation why;
	int err = phyr_split_explain(&buffer->list, name_of(&buffer->list, options->name_zero),
				     sizes, cover, &why);

	if (err)
		return fail(buffer->title, err);
	if (printf("%s%s (%s)\n", index ? "\n" : "", buffer->title, input->source) > 0)
		err = phyrsim_explain_text(stdout, &why);
	else
		err = PHYR_E_IO;
	if (err)
		say("standard output cannot be written");
	return err ? STATUS_FAILURE : STATUS_OK;
}

static enum status explain(const struct options *options)
{
	struct input input;
	enum status status = input_open(&input, options);

	for (size_t i = 0; status == STATUS_OK && i < phyr_recording_cnt(input.recording); i++)
		status = explain_buffer(options, &input, i);
	if (status == STATUS_OK && fflush(stdout)) {
		say("standard output cannot be written");
		status = STATUS_FAILURE;
	}
	input_close(&input);
	return status;
}

const struct command command_explain = { "explain-region", help, known, options_name_input,
					 explain };
