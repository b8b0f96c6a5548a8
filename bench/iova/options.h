/* SPDX-License-Identifier: MIT */
/* Numbers on the command lines of these programs. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* A number above 0; ends the program with 2 when it is none. Takes 1e9 as well as 1000000000. */
uint64_t options_number(const char *program, const char *text);

#endif
