/* SPDX-License-Identifier: MIT */
/* phyrsim: which command it is; what they do is elsewhere. */

#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct command *const commands[] = { &command_run, &command_record, &command_explain,
						  &command_cases };

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("phyrsim: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

void progress(const char *word)
{
	const char *terminal = getenv("TERM");

	if (isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0)
		(void)fprintf(stderr, "\r\033[K%s%s", *word ? "phyrsim: " : "", word);
}

enum status fail(const char *what, int err)
{
	progress("");
	say("%s: %s", what, phyr_strerror(err));
	return STATUS_FAILURE;
}

/* A first argument that is no option names the command; NULL if there is none of that name. */
static const struct command *find(const char *word)
{
	const char *name = word && *word != '-' ? word : NULL;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const char *known = commands[i]->name;

		if (name && known ? strcmp(name, known) == 0 : name == known)
			return commands[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command = find(argc > 1 ? argv[1] : NULL);
	struct options options;
	enum status status;

	if (!command) {
		say("'%s': there is no such command (see --help)", argv[1]);
		return STATUS_MISUSE;
	}
	if (command->name) {
		argv[1] = argv[0]; /* which getopt_long() puts before what it says */
		argc--;
		argv++;
	}
	status = options_parse(&options, command, argc, argv);
	if (status || options.done)
		return status == STATUS_OK && fflush(stdout) ? STATUS_FAILURE : (int)status;
	return (int)command->run(&options);
}
