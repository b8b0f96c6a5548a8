/* SPDX-License-Identifier: MIT */
/* The text of a recording, by lines and fields: what its reader and its writer share. */
#ifndef PHYR_RECORDING_TEXT_H
#define PHYR_RECORDING_TEXT_H

#include <phyr/base.h>

/* The word that a text starts with. */
#define PHYR_RECORDING_WORD "phyr-recording"
/* Longest line of the text, without its line feed. [bytes] */
#define PHYR_RECORDING_LINE_LEN 1024

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

/* Keeps the reason and answers PHYR_E_FORMAT. */
int phyr_text_damaged(struct parser *parser, const char *reason);

/* Cuts off what is before a separator; the rest is NULL when there was no separator. */
struct span phyr_text_cut(struct span *rest, char separator);

/* Is this word there, and the same? */
bool phyr_text_is(struct span word, const char *text);

/* Takes the next line that says something; its text is NULL at the end. */
PHYR_NODISCARD int phyr_text_next_line(struct parser *parser, struct span *ret_line);

/* Takes the next field of a line as a number of at most max. */
PHYR_NODISCARD int phyr_text_take_number(struct parser *parser, struct span *rest, uint64_t max,
					 uint64_t *ret);

/* Refuses a line that goes on. */
PHYR_NODISCARD int phyr_text_expect_end(struct parser *parser, struct span rest);

/* The word for a kind of memory. */
const char *phyr_text_kind_name(enum phyr_kind kind);

#endif
