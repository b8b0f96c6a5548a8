/* SPDX-License-Identifier: MIT */
/* phyrsim cases: the six cases of mapping memory for a device, side by side. */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>

#include "cli.h"

#define SIZE_DEFAULT (UINT64_C(4) << 20)

static const char help[] =
	"Usage: phyrsim cases [OPTION]...\n"
	"Maps memory for a device in the six ways that there are, and shows what each takes: "
	"ranges\n"
	"for the device, calls, flushes, state, I/O addresses; and what Linux takes.\n"
	"\n"
	"  1 direct            nothing is in between\n"
	"  2 aligned           an IOMMU, every piece in whole pages\n"
	"  3 aligned, a peer   ditto, one page of it another device's, reached past the IOMMU\n"
	"  4 bounced, one      copied to one place that the device reaches\n"
	"  5 bounced, many     copied piece by piece\n"
	"  6 unaligned         an IOMMU, every piece begins inside a page\n"
	"\n"
	"  --size SIZE       how much memory, 4G at most (default 4M)\n"
	"  --format FORMAT   text (default) or json\n"
	"  --help            this text\n"
	"  --version         the version\n"
	"\n"
	"The memory is made up, the same every time: scattered pages of 4K; of 2M and 1G, and 2M\n"
	"and 4K mixed, where SIZE is a multiple of 2M, 1G and 4M. No privilege is needed.\n"
	"Exit status: 0 done, 1 failure, 2 wrong usage.\n";

static const struct option known[] = {
	{ "size", required_argument, NULL, LETTER_SIZE },
	{ "format", required_argument, NULL, LETTER_FORMAT },
	COMMON_OPTIONS,
};

static bool check(const struct options *options)
{
	if (options->size_given && options->size == 0)
		say("--size: there is nothing to map in 0 bytes");
	else if (options->size_given && options->size > PHYRSIM_CASE_LEN_MAX)
		say("--size: is more than 4G");
	else
		return true;
	return false;
}

static enum status print(const struct options *options, const struct phyrsim_case_row *rows,
			 size_t cnt)
{
	int err = phyrsim_report_cases(stdout, options->format, rows, cnt);

	if (err == PHYR_OK && fflush(stdout) == 0)
		return STATUS_OK;
	if (err == PHYR_E_NOMEM)
		return fail("the report", err);
	say("standard output cannot be written");
	return STATUS_FAILURE;
}

static enum status run(const struct options *options)
{
	struct phyrsim_case_row *rows = calloc(PHYRSIM_CASES_MAX, sizeof(*rows));
	uint64_t size = options->size_given ? options->size : SIZE_DEFAULT;
	struct phyrsim_run_error error = { "", 0, false };
	enum status status = STATUS_FAILURE;
	int err = PHYR_E_NOMEM;
	size_t cnt = 0;

	if (rows)
		err = phyrsim_run_cases(phyr_heap_mem(), size, rows, &cnt, &error);
	if (err && error.mistranslated)
		say("%s: byte %llu is translated wrongly: a defect of this program", error.step,
		    (unsigned long long)error.offset);
	else if (err)
		say("%s: %s", error.step, phyr_strerror(err));
	else
		status = print(options, rows, cnt);
	free(rows);
	return status;
}

const struct command command_cases = { "cases", help, known, check, run };
