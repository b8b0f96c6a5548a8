/* SPDX-License-Identifier: MIT */
/* A sink for dumps that keeps what it gets, or refuses it. */
#ifndef PHYR_DUMP_SINK_H
#define PHYR_DUMP_SINK_H

#include <phyrsim/dump.h>

#include "test.h"

/* What was dumped; the bytes end with a zero that is not counted. */
struct sunk {
	char *bytes;
	size_t len;
	size_t room;
	size_t write_cnt;
	size_t refuse_at; /* this write and later ones are refused; SIZE_MAX: none */
	struct phyrsim_dump_sink sink;
};

#define REFUSED PHYR_E_IO

static inline int sunk_write(void *ctx, const void *bytes, size_t len)
{
	struct sunk *sunk = ctx;

	if (sunk->write_cnt++ >= sunk->refuse_at)
		return REFUSED;
	if (sunk->len + len + 1 > sunk->room) {
		sunk->room = 2 * (sunk->len + len + 1);
		sunk->bytes = realloc(sunk->bytes, sunk->room);
	}
	assert_non_null(sunk->bytes);
	memcpy(sunk->bytes + sunk->len, bytes, len);
	sunk->len += len;
	sunk->bytes[sunk->len] = '\0';
	return PHYR_OK;
}

static inline void sunk_init(struct sunk *sunk)
{
	memset(sunk, 0, sizeof(*sunk));
	sunk->refuse_at = SIZE_MAX;
	sunk->sink.write = sunk_write;
	sunk->sink.ctx = sunk;
}

static inline void sunk_drop(struct sunk *sunk)
{
	free(sunk->bytes);
	sunk_init(sunk);
}

/* The text of a table. */
static inline struct sunk sunk_text(struct phyrsim_mem *mem, const struct phyrsim_root *root,
				    unsigned int flags)
{
	struct sunk sunk;

	sunk_init(&sunk);
	assert_int_equal(phyrsim_dump_text(mem, root, flags, &sunk.sink), PHYR_OK);
	return sunk;
}

#endif
