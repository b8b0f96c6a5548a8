/* SPDX-License-Identifier: MIT */
/* The command line: what it may say, and what is said about one that may not. */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define SIZE_DEFAULT (UINT64_C(100) << 20)

static const char help[] =
	"Usage: phyrsim [OPTION]...\n"
	"Takes memory of this machine and shows what it costs to describe, to map for a device\n"
	"behind an IOMMU, and to translate in the device: as it is done today, and at best.\n"
	"\n"
	"  --size SIZE       how much memory (default 100M)\n"
	"  --pages base|thp  only base pages, or only transparent huge pages\n"
	"                    (default: both, and huge pages entered 4 KiB late)\n"
	"  --offset SIZE     how far into the memory the buffer starts\n"
	"  --device-sizes LIST\n"
	"                    page sizes of the device's table, as 4K,1M,2M (default 4K to 2G)\n"
	"  --save FILE       also keep the physical addresses as a recording\n"
	"  --load FILE       show a recording instead of this machine's memory\n"
	"  --format FORMAT   text (default) or json\n"
	"  --help            this text\n"
	"  --version         the version\n"
	"\n"
	"SIZE is bytes, or a number with K, M, G or T (powers of 1024); a multiple of 4K.\n"
	"Physical addresses need privilege (CAP_SYS_ADMIN); without it the recordings that come\n"
	"with the program are shown. Exit status: 0 done, 1 failure, 2 wrong usage.\n";

/* The shift of a unit: "", "K", "KB", "KiB"; −1 for anything else. */
static int unit_shift(const char *unit)
{
	static const char letters[] = "KMGTPE";
	const char *letter;
	char upper = *unit;

	if (*unit == '\0' || strcmp(unit, "B") == 0)
		return 0;
	if (upper >= 'a' && upper <= 'z')
		upper = (char)(upper - 'a' + 'A');
	letter = strchr(letters, upper);
	unit++;
	if (!letter || (*unit && strcmp(unit, "B") != 0 && strcmp(unit, "iB") != 0))
		return -1;
	return 10 * (int)(letter - letters + 1);
}

/* A number of bytes; NULL when it is fine, else what is wrong with it. */
static const char *parse_size(const char *text, uint64_t *ret_size)
{
	uint64_t number = 0;
	int shift;

	if (*text < '0' || *text > '9')
		return "is not a size";
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return "is too large";
	shift = unit_shift(text);
	if (shift < 0)
		return "has an unknown unit (use K, M, G or T)";
	if (number > UINT64_MAX >> shift)
		return "is too large";
	*ret_size = number << shift;
	return *ret_size % 4096 ? "is not a multiple of 4096 bytes" : NULL;
}

static bool take_size(const char *option, const char *text, uint64_t *ret_size)
{
	const char *wrong = parse_size(text, ret_size);

	if (wrong)
		say("--%s: '%s' %s", option, text, wrong);
	return !wrong;
}

/* "4K,1M,2M": powers of two, separated by commas. */
static bool take_sizes(const char *text, phyr_sizes *ret_sizes)
{
	const char *wrong = NULL;
	char item[32];

	for (const char *at = text; !wrong; at += strcspn(at, ",") + 1) {
		size_t len = strcspn(at, ",");
		uint64_t size = 0;

		if (len >= sizeof(item)) {
			wrong = "is not a size";
			break;
		}
		memcpy(item, at, len);
		item[len] = '\0';
		wrong = parse_size(item, &size);
		if (!wrong && (size == 0 || (size & (size - 1))))
			wrong = "is not a power of two";
		ret_sizes->mask |= size;
		if (at[len] == '\0')
			break;
	}
	if (wrong)
		say("--device-sizes: a size in '%s' %s", text, wrong);
	return !wrong;
}

static bool take_pages(struct options *options, const char *text)
{
	options->pages_given = true;
	if (strcmp(text, "base") == 0)
		options->pages = PHYRSIM_PAGES_BASE;
	else if (strcmp(text, "thp") == 0)
		options->pages = PHYRSIM_PAGES_THP;
	else {
		say("--pages: '%s' is neither 'base' nor 'thp'", text);
		return false;
	}
	return true;
}

static bool take_format(struct options *options, const char *text)
{
	if (strcmp(text, "text") == 0)
		options->format = PHYRSIM_REPORT_TEXT;
	else if (strcmp(text, "json") == 0)
		options->format = PHYRSIM_REPORT_JSON;
	else {
		say("--format: '%s' is neither 'text' nor 'json'", text);
		return false;
	}
	return true;
}

static bool take_path(const char *option, const char *text, const char **ret_path)
{
	*ret_path = text;
	if (*text == '\0')
		say("--%s: the name of the file is empty", option);
	return *text != '\0';
}

enum letter {
	SIZE = 's',
	PAGES = 'p',
	OFFSET = 'o',
	SAVE = 'w',
	LOAD = 'r',
	FORMAT = 'f',
	SIZES = 'd'
};

static bool take(struct options *options, int letter, const char *value)
{
	switch (letter) {
	case SIZE:
		options->size_given = true;
		return take_size("size", value, &options->size);
	case OFFSET:
		options->offset_given = true;
		return take_size("offset", value, &options->offset);
	case SIZES:
		return take_sizes(value, &options->device_sizes);
	case PAGES:
		return take_pages(options, value);
	case SAVE:
		return take_path("save", value, &options->save);
	case LOAD:
		return take_path("load", value, &options->load);
	case FORMAT:
		return take_format(options, value);
	case 'h':
		options->done = true;
		return fputs(help, stdout) >= 0;
	case 'v':
		options->done = true;
		return printf("phyrsim %s\n", phyr_version()) > 0;
	default:
		return false; /* getopt_long has said why */
	}
}

/* What no option alone can know. */
static bool check(const struct options *options)
{
	if (options->size == 0)
		say("--size: there is nothing to look at in 0 bytes");
	else if (options->offset >= options->size)
		say("--offset: leaves nothing of the %s", options->size_given ? "--size" : "100M");
	else if (options->load && (options->size_given || options->offset_given))
		say("--%s: cannot change a recording (--load)",
		    options->size_given ? "size" : "offset");
	else if (options->load && options->pages_given)
		say("--pages: cannot change a recording (--load)");
	else
		return true;
	return false;
}

enum status options_parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "size", required_argument, NULL, SIZE },
		{ "pages", required_argument, NULL, PAGES },
		{ "offset", required_argument, NULL, OFFSET },
		{ "device-sizes", required_argument, NULL, SIZES },
		{ "save", required_argument, NULL, SAVE },
		{ "load", required_argument, NULL, LOAD },
		{ "format", required_argument, NULL, FORMAT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	memset(options, 0, sizeof(*options));
	options->size = SIZE_DEFAULT;
	while (!options->done && (letter = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (!take(options, letter, optarg))
			return STATUS_MISUSE;
	if (options->done)
		return STATUS_OK;
	if (optind < argc) {
		say("'%s': there are no arguments, only options (see --help)", argv[optind]);
		return STATUS_MISUSE;
	}
	return check(options) ? STATUS_OK : STATUS_MISUSE;
}
