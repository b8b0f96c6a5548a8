/* SPDX-License-Identifier: MIT */
/*
 * The text of a recording, read; docs/recording-format.md is its specification.
 *
 * No count is believed: the announced number of runs only says when to expect `end`. Not here:
 * lines and fields (text.c), files (file.c).
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "recording.h"
#include "text.h"

/* Takes a number that is the last field of its line. */
static int take_last_number(struct parser *parser, struct span rest, uint64_t *ret)
{
	int err = phyr_text_take_number(parser, &rest, UINT64_MAX, ret);

	return err ? err : phyr_text_expect_end(parser, rest);
}

static int take_kind(struct parser *parser, struct span *rest, enum phyr_kind *ret_kind)
{
	struct span word;

	if (!rest->text)
		return phyr_text_damaged(parser, "a field is missing");
	word = phyr_text_cut(rest, ' ');
	for (unsigned int kind = 0; kind < PHYR_KIND_CNT; kind++) {
		if (phyr_text_is(word, phyr_text_kind_name((enum phyr_kind)kind))) {
			*ret_kind = (enum phyr_kind)kind;
			return PHYR_OK;
		}
	}
	return phyr_text_damaged(parser, "an unknown kind of memory");
}

/* "0x108981000 0x1000 system", with a provider's number if there is one. */
static int parse_fields(struct parser *parser, struct span line, struct phyr_range *ret_range,
			struct phyr_tag *ret_tag)
{
	uint64_t provider = 0;
	int err;

	err = phyr_text_take_number(parser, &line, UINT64_MAX, &ret_range->pa.addr);
	if (!err)
		err = phyr_text_take_number(parser, &line, UINT64_MAX, &ret_range->len);
	if (!err)
		err = take_kind(parser, &line, &ret_tag->kind);
	if (!err && line.text)
		err = phyr_text_take_number(parser, &line, UINT32_MAX, &provider);
	if (!err)
		err = phyr_text_expect_end(parser, line);
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

	if (phyr_text_is(line, "end") || phyr_text_is(phyr_text_cut(&first, ' '), "buffer"))
		return phyr_text_damaged(parser, "fewer runs than announced");
	err = parse_fields(parser, line, &range, &tag);
	if (err)
		return err;
	if (range.len == 0)
		return phyr_text_damaged(parser, "a run of no bytes");
	if (!phyr_bits_last(range.pa.addr, range.len, &last))
		return phyr_text_damaged(parser, "a run that wraps around");
	err = phyr_list_append(list, range, tag);
	return err == PHYR_E_RANGE ? phyr_text_damaged(parser, "more bytes than a list can hold") :
				     err;
}

/* A line that has to be there, because the buffer is not closed yet. */
static int next_inside(struct parser *parser, struct span *ret_line)
{
	int err = phyr_text_next_line(parser, ret_line);

	return err || ret_line->text ? err :
				       phyr_text_damaged(parser, "the text ends inside a buffer");
}

static int parse_runs(struct parser *parser, struct span line, struct phyr_list *list)
{
	uint64_t cnt;
	int err;

	if (!phyr_text_is(phyr_text_cut(&line, ' '), "runs"))
		return phyr_text_damaged(parser, "`runs` expected");
	err = take_last_number(parser, line, &cnt);
	if (!err && cnt == 0)
		return phyr_text_damaged(parser, "a buffer without runs");
	for (uint64_t i = 0; !err && i < cnt; i++) {
		err = next_inside(parser, &line);
		if (!err)
			err = parse_run(parser, line, list);
	}
	if (!err)
		err = next_inside(parser, &line);
	if (!err && !phyr_text_is(line, "end"))
		return phyr_text_damaged(parser,
					 "`end` expected: more runs than announced, or damage");
	return err;
}

/* From "buffer TITLE" on. */
static int parse_title(struct parser *parser, struct span line, struct phyr_recording *recording,
		       struct phyr_recording_buffer **ret_buffer)
{
	char title[PHYR_RECORDING_TITLE_LEN] = "";
	int err;

	if (!phyr_text_is(phyr_text_cut(&line, ' '), "buffer"))
		return phyr_text_damaged(parser, "`buffer` expected");
	if (line.len >= sizeof(title))
		return phyr_text_damaged(parser, "the title is too long");
	if (line.len)
		memcpy(title, line.text, line.len);
	err = phyr_recording_add(recording, title, ret_buffer);
	if (err == PHYR_E_INVAL)
		return phyr_text_damaged(parser, "a title that is empty or has a space at an end");
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
	if (!err && phyr_text_is(phyr_text_cut(&rest, ' '), "va")) {
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

	err = phyr_text_next_line(parser, &line);
	if (err)
		return err;
	if (!line.text || !phyr_text_is(phyr_text_cut(&line, ' '), PHYR_RECORDING_WORD))
		return phyr_text_damaged(parser, "not a recording: `phyr-recording` expected");
	err = phyr_text_take_number(parser, &line, UINT64_MAX, &version);
	if (err)
		return err;
	if (version > PHYR_RECORDING_VERSION) {
		parser->reason = "a recording of a later version";
		return PHYR_E_VERSION;
	}
	return version ? phyr_text_expect_end(parser, line) :
			 phyr_text_damaged(parser, "there is no version 0");
}

static int parse_text(struct parser *parser, struct phyr_recording *recording)
{
	struct span line;
	int err;

	err = parse_version(parser);
	if (!err)
		err = phyr_text_next_line(parser, &line);
	if (!err && !line.text)
		return phyr_text_damaged(parser, "no buffer follows");
	while (!err && line.text) {
		err = parse_buffer(parser, line, recording);
		if (!err)
			err = phyr_text_next_line(parser, &line);
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
		*ret_error = (struct phyr_recording_error){ .line = parser.line,
							    .reason = parser.reason };
	return err;
}
