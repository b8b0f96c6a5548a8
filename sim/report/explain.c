/* SPDX-License-Identifier: MIT */
/*
 * Why a region's pages are not larger, in sentences.
 *
 * Not here: finding out (phyr/split.h).
 */

#include <inttypes.h>

#include <phyr/split.h>

#include "report.h"

#define SIZE_CHARS 32

struct size_text {
	char text[SIZE_CHARS];
};

static struct size_text size_of(uint64_t len)
{
	struct size_text size;

	phyrsim_size_text(len, size.text, sizeof(size.text));
	return size;
}

static void print_choice(FILE *stream, const struct phyr_explanation *why)
{
	if (why->page_len)
		(void)fprintf(stream, "page size %s: %" PRIu64 " %s\n", size_of(why->page_len).text,
			      why->page_cnt, why->page_cnt == 1 ? "entry" : "entries");
	else
		(void)fputs("no page size fits\n", stream);
}

static void print_larger(FILE *stream, const struct phyr_explanation *why)
{
	(void)fprintf(stream, "%s would take %" PRIu64, size_of(why->larger_len).text,
		      why->larger_cnt);
	if (why->page_len)
		(void)fprintf(stream, ", %" PRIu64 " fewer", why->page_cnt - why->larger_cnt);
	if (why->obstacle_cnt == 1)
		(void)fputs("; one place is in the way:\n", stream);
	else
		(void)fprintf(stream, "; %" PRIu64 " places are in the way, the first of them:\n",
			      why->obstacle_cnt);
}

static void print_run(FILE *stream, const struct phyr_explanation *why)
{
	const struct phyr_range *range = &why->run.range;

	(void)fprintf(stream, "  the run of %s at pa 0x%" PRIx64, size_of(range->len).text,
		      range->pa.addr);
}

static void print_place(FILE *stream, const struct phyr_explanation *why)
{
	uint64_t offset = why->offset;
	uint64_t address = why->address;

	if (why->obstacle == PHYR_OBSTACLE_PHASE || why->obstacle == PHYR_OBSTACLE_JOINT)
		print_run(stream, why);
	switch (why->obstacle) {
	case PHYR_OBSTACLE_PHASE:
		(void)fprintf(stream,
			      " is named 0x%" PRIx64 " (byte 0x%" PRIx64
			      "): the two differ in bits 0x%" PRIx64 "\n",
			      address, offset, why->bits);
		break;
	case PHYR_OBSTACLE_JOINT:
		(void)fprintf(stream,
			      " starts inside of a page: 0x%" PRIx64 " (byte 0x%" PRIx64
			      ") has bits 0x%" PRIx64 "\n",
			      address, offset, why->bits);
		break;
	case PHYR_OBSTACLE_START:
		(void)fprintf(stream,
			      "  the page would begin below the region: its start 0x%" PRIx64
			      " has bits 0x%" PRIx64 "\n",
			      address, why->bits);
		break;
	case PHYR_OBSTACLE_END:
		(void)fprintf(stream,
			      "  the page would end beyond the region: its end 0x%" PRIx64
			      " has bits 0x%" PRIx64 "\n",
			      address, why->bits);
		break;
	case PHYR_OBSTACLE_LARGEST:
	case PHYR_OBSTACLE_FEWEST:
		break;
	}
}

int phyrsim_explain_text(FILE *stream, const struct phyr_explanation *why)
{
	if (!stream || !why)
		return PHYR_E_INVAL;
	print_choice(stream, why);
	if (why->larger_len) {
		print_larger(stream, why);
		print_place(stream, why);
	} else if (why->obstacle == PHYR_OBSTACLE_LARGEST) {
		(void)fputs("nothing stands in the way: it is the largest that is supported\n",
			    stream);
	} else {
		(void)fputs("nothing stands in the way: fewer are not possible\n", stream);
	}
	if (why->renaming_helps)
		(void)fprintf(stream,
			      "it would fit at a device address of 0x%" PRIx64 " modulo %s\n",
			      why->other_address, size_of(why->larger_len).text);
	return ferror(stream) ? PHYR_E_IO : PHYR_OK;
}
