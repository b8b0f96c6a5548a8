/* SPDX-License-Identifier: MIT */
/* Steps through a line, with no words longer than what is left. */
#include "scan.h"

#include <string.h>

bool phyrsim_trace_begins(struct phyrsim_trace_text text, const char *words)
{
	size_t len = strlen(words);

	return len == 0 || (text.len >= len && memcmp(text.at, words, len) == 0);
}

bool phyrsim_scan_words(struct scan *scan, const char *words)
{
	if (!phyrsim_trace_begins(scan_rest(scan), words))
		return false;
	scan->at += strlen(words);
	return true;
}

bool phyrsim_scan_find(struct scan *scan, const char *words)
{
	struct scan probe = *scan;

	for (; probe.at < probe.end; probe.at++) {
		if (phyrsim_scan_words(&probe, words)) {
			*scan = probe;
			return true;
		}
	}
	return false;
}

void phyrsim_scan_blanks(struct scan *scan)
{
	while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t'))
		scan->at++;
}

bool phyrsim_scan_word(struct scan *scan, struct phyrsim_trace_text *ret_word)
{
	const char *at = scan->at;

	while (scan->at < scan->end && *scan->at != ' ' && *scan->at != '\t')
		scan->at++;
	ret_word->at = at;
	ret_word->len = (size_t)(scan->at - at);
	return ret_word->len > 0;
}

/* The value of a digit, or 16. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

bool phyrsim_scan_number(struct scan *scan, unsigned int base, uint64_t *ret_number)
{
	struct scan probe = *scan;
	const char *first;
	uint64_t number = 0;

	if (base == 16)
		(void)phyrsim_scan_words(&probe, "0x");
	first = probe.at;
	for (; probe.at < probe.end && digit_of(*probe.at) < base; probe.at++) {
		if (__builtin_mul_overflow(number, (uint64_t)base, &number) ||
		    __builtin_add_overflow(number, (uint64_t)digit_of(*probe.at), &number))
			return false;
	}
	if (probe.at == first)
		return false;
	*scan = probe;
	*ret_number = number;
	return true;
}

bool phyrsim_scan_field(struct scan *scan, const char *words, unsigned int base,
			uint64_t *ret_number)
{
	struct scan probe = *scan;

	if (!phyrsim_scan_words(&probe, words) || !phyrsim_scan_number(&probe, base, ret_number))
		return false;
	*scan = probe;
	return true;
}
