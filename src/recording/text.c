/* SPDX-License-Identifier: MIT */
/*
 * Lines, fields and numbers of a recording's text; docs/recording-format.md is its specification.
 *
 * The text may be any bytes: a line is taken at a time, and every byte of it is looked at before
 * anything else looks. Not here: which lines follow which (parse.c).
 */
#include "text.h"

#include <string.h>

#include <phyr/recording.h>

int phyr_text_damaged(struct parser *parser, const char *reason)
{
	parser->reason = reason;
	return PHYR_E_FORMAT;
}

struct span phyr_text_cut(struct span *rest, char separator)
{
	const char *at = memchr(rest->text, separator, rest->len);
	struct span head = *rest;

	if (at) {
		head.len = (size_t)(at - rest->text);
		rest->text = at + 1;
		rest->len -= head.len + 1;
	} else {
		rest->text = NULL;
		rest->len = 0;
	}
	return head;
}

bool phyr_text_is(struct span word, const char *text)
{
	return word.text && word.len == strlen(text) && memcmp(word.text, text, word.len) == 0;
}

static bool is_comment(struct span line)
{
	return line.len > 0 && line.text[0] == '#';
}

static int check_line(struct parser *parser, struct span line)
{
	bool comment = is_comment(line);

	if (line.len > PHYR_RECORDING_LINE_LEN)
		return phyr_text_damaged(parser, "the line is too long");
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.text[i];

		if (c >= ' ' && c < 0x7f)
			continue;
		if (c == '\0')
			return phyr_text_damaged(parser, "a zero byte in a text");
		if (c == '\r')
			return phyr_text_damaged(
				parser, "a carriage return: lines end with a line feed alone");
		if (!comment || (c != '\t' && c < 0x80) || c == 0x7f)
			return phyr_text_damaged(parser, "a character that is not printable ASCII");
	}
	return PHYR_OK;
}

int phyr_text_next_line(struct parser *parser, struct span *ret_line)
{
	struct span line;
	int err;

	do {
		parser->line++;
		if (parser->rest.len == 0) {
			ret_line->text = NULL;
			ret_line->len = 0;
			return PHYR_OK;
		}
		line = phyr_text_cut(&parser->rest, '\n');
		err = check_line(parser, line);
	} while (!err && (line.len == 0 || is_comment(line)));
	*ret_line = line;
	return err;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Strips the prefix and says what the digits behind it count in. */
static int take_base(struct parser *parser, struct span *word, int *ret_base)
{
	bool hex = word->len >= 2 && word->text[0] == '0' && word->text[1] == 'x';

	*ret_base = hex ? 16 : 10;
	if (hex) {
		word->text += 2;
		word->len -= 2;
	} else if (word->len > 1 && word->text[0] == '0') {
		return phyr_text_damaged(parser, "a decimal number with a leading zero");
	}
	return word->len ? PHYR_OK : phyr_text_damaged(parser, "a number without digits");
}

int phyr_text_take_number(struct parser *parser, struct span *rest, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	struct span word;
	int base;
	int err;

	if (!rest->text)
		return phyr_text_damaged(parser, "a field is missing");
	word = phyr_text_cut(rest, ' ');
	err = take_base(parser, &word, &base);
	if (err)
		return err;
	for (size_t i = 0; i < word.len; i++) {
		int add = digit(word.text[i]);

		if (add >= base)
			return phyr_text_damaged(parser, "not a number");
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)add, &value) || value > max)
			return phyr_text_damaged(parser, "a number that is too large");
	}
	*ret = value;
	return PHYR_OK;
}

int phyr_text_expect_end(struct parser *parser, struct span rest)
{
	return rest.text ? phyr_text_damaged(parser, "more on the line than belongs there") :
			   PHYR_OK;
}

const char *phyr_text_kind_name(enum phyr_kind kind)
{
	static const char *const names[PHYR_KIND_CNT] = {
		[PHYR_KIND_SYSTEM] = "system",
		[PHYR_KIND_P2P] = "p2p",
		[PHYR_KIND_ENCRYPTED] = "encrypted",
	};

	return names[kind];
}
