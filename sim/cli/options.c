/* SPDX-License-Identifier: MIT */
/* The command line: options that several commands share, and what is wrong with a set of them. */

#define _GNU_SOURCE /* getopt_long */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define SIZE_DEFAULT (UINT64_C(100) << 20)

static bool take_pages(struct options *options, const char *text)
{
	static const char *const words[PHYRSIM_PAGES_CNT] = { "base", "thp", "hugetlb" };
	unsigned int index;

	options->pages_given = true;
	if (!value_word("pages", text, words, PHYRSIM_PAGES_CNT, &index))
		return false;
	options->pages = (enum phyrsim_pages)index;
	return true;
}

static bool take_pin(struct options *options, const char *text)
{
	static const char *const words[] = { "snapshot", "locked", "pinned" };
	unsigned int index;

	if (!value_word("pin", text, words, 3, &index))
		return false;
	options->state = (enum phyr_pin_state)index;
	return true;
}

static bool take_format(struct options *options, const char *text)
{
	static const char *const words[] = { "text", "json" };
	unsigned int index;

	if (!value_word("format", text, words, 2, &index))
		return false;
	options->format = index ? PHYRSIM_REPORT_JSON : PHYRSIM_REPORT_TEXT;
	return true;
}

static bool take_name(struct options *options, const char *text)
{
	static const char *const words[] = { "va", "zero" };
	unsigned int index;

	if (!value_word("name", text, words, 2, &index))
		return false;
	options->name_zero = index == 1;
	return true;
}

static bool take_pid(struct options *options, const char *text)
{
	uint64_t pid;

	if (!value_number("pid", text, UINT32_MAX, &pid))
		return false;
	options->pid = (uint32_t)pid;
	if (pid == 0)
		say("--pid: there is no process 0");
	return pid != 0;
}

static bool take(struct options *options, enum letter letter, const char *value)
{
	switch (letter) {
	case LETTER_SIZE:
		options->size_given = true;
		return value_size("size", value, &options->size);
	case LETTER_OFFSET:
		options->offset_given = true;
		return value_size("offset", value, &options->offset);
	case LETTER_SIZES:
		options->device_sizes.mask = 0;
		return value_sizes("device-sizes", value, &options->device_sizes);
	case LETTER_PAGES:
		return take_pages(options, value);
	case LETTER_NAME:
		return take_name(options, value);
	case LETTER_COVERING:
		options->covering = true;
		return true;
	case LETTER_PIN:
		return take_pin(options, value);
	case LETTER_PID:
		return take_pid(options, value);
	case LETTER_VA:
		options->va_given = true;
		return value_number("va", value, UINT64_MAX, &options->va);
	case LETTER_FRAGMENT:
		options->fragment_given = true;
		return value_fragment("fragment", value, &options->fragment);
	case LETTER_TITLE:
		options->title = value;
		return true;
	case LETTER_SAVE:
		return value_path("save", value, &options->save);
	case LETTER_ANONYMISE:
		options->anonymise = true;
		return true;
	case LETTER_LOAD:
		return value_path("load", value, &options->load);
	case LETTER_FORMAT:
		return take_format(options, value);
	case LETTER_HELP:
	case LETTER_VERSION:
		break; /* answered before */
	}
	return false;
}

static bool name_process(const struct options *options)
{
	if (!options->pid && options->va_given)
		say("--va: an address of which process? (--pid)");
	else if (!options->pid)
		return true;
	else if (!options->va_given || !options->size_given)
		say("--pid: needs --va and --size");
	else if (options->offset_given || options->pages_given)
		say("--%s: cannot change another process's memory (--pid)",
		    options->offset_given ? "offset" : "pages");
	else if (options->state != PHYR_PIN_SNAPSHOT)
		say("--pin: of another process's memory (--pid) only a snapshot can be taken");
	else
		return true;
	return false;
}

bool options_name_memory(const struct options *options)
{
	if (options->size == 0)
		say("--size: there is nothing to look at in 0 bytes");
	else if (options->offset >= options->size)
		say("--offset: leaves nothing of the %s", options->size_given ? "--size" : "100M");
	else
		return name_process(options);
	return false;
}

bool options_name_input(const struct options *options)
{
	const char *live = options->size_given		       ? "size" :
			   options->offset_given	       ? "offset" :
			   options->pages_given		       ? "pages" :
			   options->pid			       ? "pid" :
			   options->va_given		       ? "va" :
			   options->state != PHYR_PIN_SNAPSHOT ? "pin" :
								 NULL;

	if (options->load && live) {
		say("--%s: cannot change a recording (--load)", live);
		return false;
	}
	return options_name_memory(options);
}

static enum status answer(struct options *options, const struct command *command, int letter)
{
	options->done = true;
	if (letter == LETTER_HELP)
		return fputs(command->help, stdout) >= 0 ? STATUS_OK : STATUS_FAILURE;
	return printf("phyrsim %s\n", phyr_version()) > 0 ? STATUS_OK : STATUS_FAILURE;
}

static enum status refuse_option(int letter, const char *word)
{
	if (letter == ':')
		say("%s: needs a value (see --help)", word);
	else
		say("%s: there is no such option, or it takes no value (see --help)", word);
	return STATUS_MISUSE;
}

enum status options_parse(struct options *options, const struct command *command, int argc,
			  char **argv)
{
	int letter;

	memset(options, 0, sizeof(*options));
	options->size = SIZE_DEFAULT;
	opterr = 0; /* what is wrong is said here, under the program's name */
	while ((letter = getopt_long(argc, argv, ":", command->known, NULL)) != -1) {
		if (letter == LETTER_HELP || letter == LETTER_VERSION)
			return answer(options, command, letter);
		if (letter == '?' || letter == ':')
			return refuse_option(letter, argv[optind - 1]);
		if (!take(options, (enum letter)letter, optarg))
			return STATUS_MISUSE; /* who could not take it has said why */
	}
	if (optind < argc) {
		say("'%s': there are no arguments, only options (see --help)", argv[optind]);
		return STATUS_MISUSE;
	}
	return command->check(options) ? STATUS_OK : STATUS_MISUSE;
}
