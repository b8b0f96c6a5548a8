/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A list, its seal and their buffer, as the tests of the sealed form need them.
 */
#ifndef PHYR_TEST_SEAL_WORLD_H
#define PHYR_TEST_SEAL_WORLD_H

#include <phyr/seal.h>

#include "lists.h"

#define PAGE UINT64_C(4096)
/** [bytes] of header and trailer. */
#define FIXED_LEN 64
/** [bytes] of the buffer. */
#define BYTES_MAX 4096

/** Everything that a case touches. */
struct world {
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_seal seal;
	unsigned char bytes[BYTES_MAX];
};

static inline int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	list_open(&world.list, &world.mem);
	*state = &world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	list_close(&w->list, &w->mem);
	return 0;
}

/** Scattered single pages, with another tag from the 100th on. */
static inline void fill(struct world *w, uint64_t run_cnt)
{
	for (uint64_t i = 0; i < run_cnt; i++) {
		const struct phyr_tag tag = { i < 100 ? PHYR_KIND_SYSTEM : PHYR_KIND_P2P, 7 };

		append_tagged(&w->list, (i * 7919 % 10007 + 5) * 2 * PAGE, PAGE, tag);
	}
}

/** Seals the list; the [bytes] that it takes. */
static inline size_t seal(struct world *w)
{
	assert_int_equal(phyr_seal_write(&w->list, w->bytes, BYTES_MAX, &w->seal), PHYR_OK);
	return phyr_seal_bytes(&w->seal);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
