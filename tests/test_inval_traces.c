/* SPDX-License-Identifier: MIT */
/* VT-d as Linux 6.12 drives it, against what a real kernel did (tests/traces/vfio_flushes.txt). */
#include <inttypes.h>
#include <stdio.h>

#include "inval_world.h"

#define TRACE PHYR_SOURCE_ROOT "/tests/traces/vfio_flushes.txt"
#define MASK_MAX 18

struct replay {
	struct world world;
	struct phyrsim_command seen[512];
	size_t seen_cnt;
};

static void read_flush(struct replay *replay, uint64_t first, uint64_t mask)
{
	struct phyrsim_command command = { PHYR_FLUSH_RANGE, { { first }, K4 << mask }, false, 0 };

	assert_true(replay->seen_cnt < CNT(replay->seen));
	if (mask > MASK_MAX)
		command.kind = PHYR_FLUSH_DOMAIN;
	replay->seen[replay->seen_cnt++] = command;
}

static void read_line(struct replay *replay, const char *line)
{
	uint64_t first, other;

	if (sscanf(line, "unmap %" SCNx64 " %" SCNx64, &first, &other) == 2)
		unmap(&replay->world, first, other);
	else if (sscanf(line, "flush %" SCNx64 " %" SCNu64, &first, &other) == 2)
		read_flush(replay, first, other);
	else if (strcmp(line, "sync\n") == 0)
		flush(&replay->world);
	else
		assert_int_equal(line[0], '#');
}

static void every_window_is_that_of_the_kernel_and_in_its_order(void **state)
{
	static struct replay replay;
	FILE *file = fopen(TRACE, "r");
	char line[128];

	(void)state;
	assert_non_null(file);
	start(&replay.world, PHYRSIM_INVAL_VTD_LINUX);
	while (fgets(line, sizeof(line), file))
		read_line(&replay, line);
	fclose(file);
	assert_true(replay.seen_cnt > 100);
	assert_int_equal(replay.world.cnt, replay.seen_cnt);
	for (size_t i = 0; i < replay.seen_cnt; i++) {
		const struct phyrsim_command *ours = &replay.world.commands[i];
		const struct phyrsim_command *seen = &replay.seen[i];

		assert_int_equal(ours->kind, seen->kind);
		if (seen->kind == PHYR_FLUSH_RANGE)
			assert_range(ours, seen->range.iova.addr, seen->range.len, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_window_is_that_of_the_kernel_and_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
