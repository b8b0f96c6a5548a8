/* SPDX-License-Identifier: MIT */
/* Numbers have many zeros here, so the form of floating-point numbers is read. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t options_number(const char *program, const char *text)
{
	char *end;
	const double value = strtod(text, &end);

	if (!*text || *end || !(value >= 1) || value > 1e15) {
		fprintf(stderr, "%s: not a number above 0: %s\n", program, text);
		exit(2);
	}
	return (uint64_t)value;
}
