/* SPDX-License-Identifier: MIT */
/* Images without host memory: nothing is written, nothing is left, and the next try succeeds. */
#include "dump_world.h"

static struct sunk image;
static struct phyrsim_root root;

static int setup(void **state)
{
	(void)state;
	open_config(&configs[0]);
	assert_int_equal(map(0x1000, 0x5000, 0x800000), PHYR_OK);
	root = root_now();
	image = image_of(w.mem, &root);
	image.sink.ctx = &image;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sunk_drop(&image);
	close_config();
	return 0;
}

static int write_image(void)
{
	int err;

	sunk_drop(&image);
	err = phyrsim_dump_image(&w.host.mem, w.mem, &root, &image.sink);
	assert_int_equal(image.write_cnt == 0, err != PHYR_OK);
	return err;
}

static int load_image(void)
{
	struct phyrsim_root read;
	struct phyrsim_mem *mem;
	int err = phyrsim_dump_load(&w.host.mem, image.bytes, image.len, &mem, &read, NULL);

	if (err == PHYR_OK)
		phyrsim_mem_destroy(mem);
	return err;
}

/* The Nth allocation fails, alone or with all later ones, until none does. */
static void fail_each(int (*call)(void), bool sticky, size_t expected_cnt)
{
	size_t live_cnt = w.host.live_cnt;
	size_t failed_cnt = 0;

	w.host.sticky = sticky;
	for (int err = PHYR_E_NOMEM; err != PHYR_OK; failed_cnt++) {
		w.host.alloc_cnt = 0;
		w.host.fail_at = failed_cnt;
		w.host.failed = false;
		err = call();
		assert_int_equal(err, w.host.failed ? PHYR_E_NOMEM : PHYR_OK);
		assert_int_equal(w.host.live_cnt, live_cnt);
	}
	w.host.fail_at = SIZE_MAX;
	assert_int_equal(failed_cnt - 1, expected_cnt);
}

static void writing_needs_one_allocation_and_stands_its_failure(void **state)
{
	(void)state;
	fail_each(write_image, false, 1);
	fail_each(write_image, true, 1);
}

/* A list of addresses; a memory, its addresses and its words. */
static void loading_needs_four_and_stands_each_failure(void **state)
{
	(void)state;
	fail_each(load_image, false, 4);
	fail_each(load_image, true, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writing_needs_one_allocation_and_stands_its_failure,
						setup, teardown),
		cmocka_unit_test_setup_teardown(loading_needs_four_and_stands_each_failure, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
