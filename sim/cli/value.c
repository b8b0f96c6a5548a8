/* SPDX-License-Identifier: MIT */
/* What options are followed by: from text to numbers. */

#include <stdio.h>
#include <string.h>

#include "cli.h"

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

/* The value of a digit in a base up to 16; 99 for anything else. */
static uint64_t digit(char letter)
{
	if (letter >= '0' && letter <= '9')
		return (uint64_t)(letter - '0');
	if (letter >= 'a' && letter <= 'f')
		return (uint64_t)(letter - 'a' + 10);
	if (letter >= 'A' && letter <= 'F')
		return (uint64_t)(letter - 'A' + 10);
	return 99;
}

/* Reads digits; returns what is behind them, or NULL if there are none or too many. */
static const char *read_digits(const char *text, uint64_t base, uint64_t *ret_number)
{
	const char *first = text;

	*ret_number = 0;
	for (; digit(*text) < base; text++)
		if (__builtin_mul_overflow(*ret_number, base, ret_number) ||
		    __builtin_add_overflow(*ret_number, digit(*text), ret_number))
			return NULL;
	return text == first ? NULL : text;
}

/* A number of bytes; NULL when it is fine, else what is wrong with it. */
static const char *parse_size(const char *text, uint64_t *ret_size)
{
	uint64_t number;
	int shift;

	if (digit(*text) >= 10)
		return "is not a size";
	text = read_digits(text, 10, &number);
	if (!text)
		return "is too large";
	shift = unit_shift(text);
	if (shift < 0)
		return "has an unknown unit (use K, M, G or T)";
	if (number > UINT64_MAX >> shift)
		return "is too large";
	*ret_size = number << shift;
	return *ret_size % PHYR_PAGE_SIZE ? "is not a multiple of 4096 bytes" : NULL;
}

bool value_size(const char *option, const char *text, uint64_t *ret_size)
{
	const char *wrong = parse_size(text, ret_size);

	if (wrong)
		say("--%s: '%s' %s", option, text, wrong);
	return !wrong;
}

/* "4K,1M,2M": powers of two, separated by commas. */
bool value_sizes(const char *option, const char *text, phyr_sizes *ret_sizes)
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
		say("--%s: a size in '%s' %s", option, text, wrong);
	return !wrong;
}

bool value_number(const char *option, const char *text, uint64_t max, uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *end = read_digits(hex ? text + 2 : text, hex ? 16 : 10, ret_number);

	if (end && *end == '\0' && *ret_number <= max)
		return true;
	say("--%s: '%s' is %s", option, text, end && *end == '\0' ? "too large" : "not a number");
	return false;
}

/* A size, or a part of the memory that is available. */
bool value_fragment(const char *option, const char *text, struct fragment_wish *ret_wish)
{
	const char *end = read_digits(text, 10, &ret_wish->percent);

	if (!end || strcmp(end, "%") != 0) {
		ret_wish->percent = 0;
		if (!value_size(option, text, &ret_wish->len))
			return false;
		if (ret_wish->len > 0)
			return true;
	} else if (ret_wish->percent > 0 && ret_wish->percent <= PHYRSIM_FRAGMENT_PERCENT_MAX) {
		return true;
	} else if (ret_wish->percent > 0) {
		say("--%s: '%s' is more than %d %%", option, text, PHYRSIM_FRAGMENT_PERCENT_MAX);
		return false;
	}
	say("--%s: there is nothing to fragment in '%s'", option, text);
	return false;
}

bool value_path(const char *option, const char *text, const char **ret_path)
{
	*ret_path = text;
	if (*text == '\0')
		say("--%s: the name of the file is empty", option);
	return *text != '\0';
}

bool value_word(const char *option, const char *text, const char *const *words, unsigned int cnt,
		unsigned int *ret_index)
{
	char known[128] = "";
	size_t len = 0;

	for (unsigned int i = 0; i < cnt && len < sizeof(known); i++) {
		const char *joint = i == 0 ? "" : i + 1 < cnt ? ", " : " nor ";

		if (strcmp(text, words[i]) == 0) {
			*ret_index = i;
			return true;
		}
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s'%s'", joint,
					words[i]);
	}
	say("--%s: '%s' is neither %s", option, text, known);
	return false;
}
