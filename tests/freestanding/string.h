/* SPDX-License-Identifier: MIT */
/*
 * All of <string.h> that the core uses, and that compilers call on their own: what a host without
 * a C library has to supply. tests/lint/freestanding.sh builds against this and nothing else.
 */
#ifndef FREESTANDING_STRING_H
#define FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
