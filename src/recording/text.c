/* SPDX-License-Identifier: MIT */
/*
 * The text of a recording, read and written; docs/recording-format.md is its specification.
 *
 * The reader works on any bytes: it takes a line at a time, looks at every byte of it before
 * anything else does, and believes no count (the announced number of runs only says when to expect
 * `end`). Not here: files (file.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "recording.h"

/* A part of the text; text is NULL when there is none, which differs from an empty one. */
struct span {
	const char *text;
	size_t len;
};

struct parser {
	struct span rest;
	uint64_t line;	    /* number of the line in hand; one more than the last at the end */
	const char *reason; /* why not, once something answered an error */
};

static const char magic[] = "phyr-recording";
static const char *const kind_names[PHYR_KIND_CNT] = {
	[PHYR_KIND_SYSTEM] = "system",
	[PHYR_KIND_P2P] = "p2p",
	[PHYR_KIND_ENCRYPTED] = "encrypted",
};

static int damaged(struct parser *parser, const char *reason)
{
	parser->reason = reason;
	return PHYR_E_FORMAT;
}

/* Cuts off what is before a separator; the rest is NULL when there was no separator. */
static struct span cut(struct span *rest, char separator)
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

static bool is(struct span word, const char *text)
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
		return damaged(parser, "the line is too long");
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.text[i];

		if (c >= ' ' && c < 0x7f)
			continue;
		if (c == '\0')
			return damaged(parser, "a zero byte in a text");
		if (c == '\r')
			return damaged(parser,
				       "a carriage return: lines end with a line feed alone");
		if (!comment || (c != '\t' && c < 0x80) || c == 0x7f)
			return damaged(parser, "a character that is not printable ASCII");
	}
	return PHYR_OK;
}

/* Takes the next line that says something; its text is NULL at the end. */
static int next_line(struct parser *parser, struct span *ret_line)
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
		line = cut(&parser->rest, '\n');
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
		return damaged(parser, "a decimal number with a leading zero");
	}
	return word->len ? PHYR_OK : damaged(parser, "a number without digits");
}

/* Takes the next field of a line as a number of at most max. */
static int take_number(struct parser *parser, struct span *rest, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	struct span word;
	int base;
	int err;

	if (!rest->text)
		return damaged(parser, "a field is missing");
	word = cut(rest, ' ');
	err = take_base(parser, &word, &base);
	if (err)
		return err;
	for (size_t i = 0; i < word.len; i++) {
		int add = digit(word.text[i]);

		if (add >= base)
			return damaged(parser, "not a number");
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)add, &value) || value > max)
			return damaged(parser, "a number that is too large");
	}
	*ret = value;
	return PHYR_OK;
}

static int expect_end(struct parser *parser, struct span rest)
{
	return rest.text ? damaged(parser, "more on the line than belongs there") : PHYR_OK;
}

/* Takes a number that is the last field of its line. */
static int take_last_number(struct parser *parser, struct span rest, uint64_t *ret)
{
	int err = take_number(parser, &rest, UINT64_MAX, ret);

	return err ? err : expect_end(parser, rest);
}

static int take_kind(struct parser *parser, struct span *rest, enum phyr_kind *ret_kind)
{
	struct span word;

	if (!rest->text)
		return damaged(parser, "a field is missing");
	word = cut(rest, ' ');
	for (unsigned int kind = 0; kind < PHYR_KIND_CNT; kind++) {
		if (is(word, kind_names[kind])) {
			*ret_kind = (enum phyr_kind)kind;
			return PHYR_OK;
		}
	}
	return damaged(parser, "an unknown kind of memory");
}

/* "0x108981000 0x1000 system", with a provider's number if there is one. */
static int parse_fields(struct parser *parser, struct span line, struct phyr_range *ret_range,
			struct phyr_tag *ret_tag)
{
	uint64_t provider = 0;
	int err;

	err = take_number(parser, &line, UINT64_MAX, &ret_range->pa.addr);
	if (!err)
		err = take_number(parser, &line, UINT64_MAX, &ret_range->len);
	if (!err)
		err = take_kind(parser, &line, &ret_tag->kind);
	if (!err && line.text)
		err = take_number(parser, &line, UINT32_MAX, &provider);
	if (!err)
		err = expect_end(parser, line);
	ret_tag->provider = (uint32_t)provider;
	return err;
}

static int parse_run(struct parser *parser, struct span line, struct phyr_list *list)
{
	struct span first = line;
	struct phyr_range range;
	struct phyr_tag tag;
	uint64_t last;
	int err;

	if (is(line, "end") || is(cut(&first, ' '), "buffer"))
		return damaged(parser, "fewer runs than announced");
	err = parse_fields(parser, line, &range, &tag);
	if (err)
		return err;
	if (range.len == 0)
		return damaged(parser, "a run of no bytes");
	if (!phyr_bits_last(range.pa.addr, range.len, &last))
		return damaged(parser, "a run that wraps around");
	err = phyr_list_append(list, range, tag);
	return err == PHYR_E_RANGE ? damaged(parser, "more bytes than a list can hold") : err;
}

/* A line that has to be there, because the buffer is not closed yet. */
static int next_inside(struct parser *parser, struct span *ret_line)
{
	int err = next_line(parser, ret_line);

	return err || ret_line->text ? err : damaged(parser, "the text ends inside a buffer");
}

static int parse_runs(struct parser *parser, struct span line, struct phyr_list *list)
{
	uint64_t cnt;
	int err;

	if (!is(cut(&line, ' '), "runs"))
		return damaged(parser, "`runs` expected");
	err = take_last_number(parser, line, &cnt);
	if (!err && cnt == 0)
		return damaged(parser, "a buffer without runs");
	for (uint64_t i = 0; !err && i < cnt; i++) {
		err = next_inside(parser, &line);
		if (!err)
			err = parse_run(parser, line, list);
	}
	if (!err)
		err = next_inside(parser, &line);
	if (!err && !is(line, "end"))
		return damaged(parser, "`end` expected: more runs than announced, or damage");
	return err;
}

/* From "buffer TITLE" on. */
static int parse_title(struct parser *parser, struct span line, struct phyr_recording *recording,
		       struct phyr_recording_buffer **ret_buffer)
{
	char title[PHYR_RECORDING_TITLE_LEN] = "";
	int err;

	if (!is(cut(&line, ' '), "buffer"))
		return damaged(parser, "`buffer` expected");
	if (line.len >= sizeof(title))
		return damaged(parser, "the title is too long");
	if (line.len)
		memcpy(title, line.text, line.len);
	err = phyr_recording_add(recording, title, ret_buffer);
	if (err == PHYR_E_INVAL)
		return damaged(parser, "a title that is empty or has a space at an end");
	return err;
}

static int parse_buffer(struct parser *parser, struct span line, struct phyr_recording *recording)
{
	struct phyr_recording_buffer *buffer;
	struct span rest;
	uint64_t va;
	int err;

	err = parse_title(parser, line, recording, &buffer);
	if (!err)
		err = next_inside(parser, &line);
	rest = line;
	if (!err && is(cut(&rest, ' '), "va")) {
		err = take_last_number(parser, rest, &va);
		if (err)
			return err;
		phyr_list_set_va(&buffer->list, va);
		err = next_inside(parser, &line);
	}
	return err ? err : parse_runs(parser, line, &buffer->list);
}

/* What is behind a later version's number is that version's; this one's ends there. */
static int parse_version(struct parser *parser)
{
	struct span line;
	uint64_t version;
	int err;

	err = next_line(parser, &line);
	if (err)
		return err;
	if (!line.text || !is(cut(&line, ' '), magic))
		return damaged(parser, "not a recording: `phyr-recording` expected");
	err = take_number(parser, &line, UINT64_MAX, &version);
	if (err)
		return err;
	if (version > PHYR_RECORDING_VERSION) {
		parser->reason = "a recording of a later version";
		return PHYR_E_VERSION;
	}
	return version ? expect_end(parser, line) : damaged(parser, "there is no version 0");
}

static int parse_text(struct parser *parser, struct phyr_recording *recording)
{
	struct span line;
	int err;

	err = parse_version(parser);
	if (!err)
		err = next_line(parser, &line);
	if (!err && !line.text)
		return damaged(parser, "no buffer follows");
	while (!err && line.text) {
		err = parse_buffer(parser, line, recording);
		if (!err)
			err = next_line(parser, &line);
	}
	return err;
}

int phyr_recording_parse(struct phyr_recording *recording, const char *text, size_t text_len,
			 struct phyr_recording_error *ret_error)
{
	struct parser parser = { .rest = { text, text_len } };
	size_t cnt;
	int err;

	if (!recording || !text)
		return PHYR_E_INVAL;
	cnt = recording->cnt;
	err = parse_text(&parser, recording);
	if (err)
		phyr_recording_truncate(recording, cnt);
	if (ret_error && (err == PHYR_E_FORMAT || err == PHYR_E_VERSION))
		*ret_error = (struct phyr_recording_error){ parser.line, parser.reason, 0 };
	return err;
}

/* Longer than any line that is written. [bytes] */
#define PRINT_LEN 160

/* Adds a line whose snprintf() result is given. */
static int put(struct phyr_recording_text *text, const char *line, int len)
{
	int err = phyr_recording_text_reserve(text, (size_t)len);

	if (err)
		return err;
	memcpy(text->text + text->len, line, (size_t)len);
	text->len += (size_t)len;
	return PHYR_OK;
}

static int print_head(struct phyr_recording_text *text, const struct phyr_recording_buffer *buffer)
{
	uint64_t va = phyr_list_va(&buffer->list);
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	char line[PRINT_LEN];
	uint64_t cnt = 0;
	int err;

	err = put(text, line, snprintf(line, sizeof(line), "buffer %s\n", buffer->title));
	if (!err && va)
		err = put(text, line, snprintf(line, sizeof(line), "va 0x%" PRIx64 "\n", va));
	/* What the cursor returns is what is written, so that is what is counted. */
	phyr_list_begin(&buffer->list, &cursor);
	while (phyr_list_next(&cursor, &run))
		cnt++;
	return err ? err : put(text, line, snprintf(line, sizeof(line), "runs %" PRIu64 "\n", cnt));
}

static int print_run(struct phyr_recording_text *text, const struct phyr_run *run)
{
	char provider[16] = "";
	char line[PRINT_LEN];
	int len;

	if (run->tag.provider)
		(void)snprintf(provider, sizeof(provider), " %" PRIu32, run->tag.provider);
	len = snprintf(line, sizeof(line), "0x%" PRIx64 " 0x%" PRIx64 " %s%s\n", run->range.pa.addr,
		       run->range.len, kind_names[run->tag.kind], provider);
	return put(text, line, len);
}

static int print_buffer(struct phyr_recording_text *text,
			const struct phyr_recording_buffer *buffer)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	int err;

	err = print_head(text, buffer);
	phyr_list_begin(&buffer->list, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = print_run(text, &run);
	return err ? err : put(text, "end\n", 4);
}

int phyr_recording_print(const struct phyr_recording *recording, struct phyr_recording_text *text)
{
	char line[PRINT_LEN];
	int err;

	err = put(text, line,
		  snprintf(line, sizeof(line), "%s %d\n", magic, PHYR_RECORDING_VERSION));
	for (size_t i = 0; !err && i < recording->cnt; i++)
		err = print_buffer(text, recording->buffers[i]);
	return err;
}
