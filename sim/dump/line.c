/* SPDX-License-Identifier: MIT */
/*
 * Lines of text without stdio: words and numbers, and those of page tables.
 *
 * Lines are as long as their parts are known to be; what would not fit is left out.
 */
#include <string.h>

#include "dump.h"

static const char *const feature_names[] = { "coherent", "contiguous", "wide",	"unsigned",
					     "upper",	 "fwb",	       "dirty", "write-reads",
					     "pbmt",	 "bbm2" };
static const char *const attr_names[] = { "uncached", "mmio", "noexec", "privileged" };

static void add(struct text *text, const char *bytes, size_t len)
{
	size_t room = sizeof(text->line) - 1 - text->len; /* the line feed has its place */

	if (len > room)
		len = room;
	memcpy(text->line + text->len, bytes, len);
	text->len += len;
}

void phyrsim_text_add(struct text *text, const char *words)
{
	add(text, words, strlen(words));
}

/* In any base up to 16, with at least so many digits. */
static void number(struct text *text, uint64_t value, unsigned int base, unsigned int digit_cnt)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0 || sizeof(digits) - at < digit_cnt);
	add(text, digits + at, sizeof(digits) - at);
}

void phyrsim_text_number(struct text *text, uint64_t value)
{
	number(text, value, 10, 1);
}

void phyrsim_text_hex(struct text *text, uint64_t value)
{
	phyrsim_text_add(text, "0x");
	number(text, value, 16, 1);
}

void phyrsim_text_address(struct text *text, uint64_t address)
{
	phyrsim_text_add(text, "0x");
	number(text, address, 16, 16);
}

void phyrsim_text_size(struct text *text, unsigned int lg2)
{
	const char unit[] = { "BKMGTPE"[lg2 / 10], '\0' };

	number(text, UINT64_C(1) << lg2 % 10, 10, 1);
	phyrsim_text_add(text, unit);
}

void phyrsim_text_column(struct text *text, size_t column)
{
	do
		phyrsim_text_add(text, " ");
	while (text->len < column);
}

void phyrsim_text_use(struct text *text, const struct phyrsim_walk *walk)
{
	phyrsim_text_add(text, walk->perm & PHYR_PERM_READ ? "r" : "-");
	phyrsim_text_add(text, walk->perm & PHYR_PERM_WRITE ? "w" : "-");
	for (unsigned int i = 0; i < sizeof(attr_names) / sizeof(*attr_names); i++) {
		if ((walk->attrs >> i & 1) == 0)
			continue;
		phyrsim_text_add(text, ",");
		phyrsim_text_add(text, attr_names[i]);
	}
	if (walk->dirty)
		phyrsim_text_add(text, ",dirty");
}

void phyrsim_text_features(struct text *text, unsigned int features)
{
	const char *before = "";

	if (features == 0)
		phyrsim_text_add(text, "-");
	for (unsigned int i = 0; i < sizeof(feature_names) / sizeof(*feature_names); i++) {
		if ((features >> i & 1) == 0)
			continue;
		phyrsim_text_add(text, before);
		phyrsim_text_add(text, feature_names[i]);
		before = ",";
	}
}

void phyrsim_text_kind(struct text *text, enum kind kind)
{
	phyrsim_text_add(text, kind == KIND_ABSENT  ? "absent" :
			       kind == KIND_POINTER ? "pointer" :
						      "leaf");
}

int phyrsim_text_end(struct text *text)
{
	size_t len = text->len;

	text->line[len] = '\n';
	text->len = 0;
	text->line_cnt++;
	return text->sink->write(text->sink->ctx, text->line, len + 1);
}
