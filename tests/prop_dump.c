/* SPDX-License-Identifier: MIT */
/*
 * Of random tables in every configuration, and of such tables with random items spoiled: a path and
 * its words end as the walk does; the text has the leaves that the writer knows, one by one; and the
 * image, loaded again, walks and reads like the table itself.
 *
 * PHYR_SEED and PHYR_ITER (accesses for each configuration) repeat or lengthen a run.
 */
#include <inttypes.h>
#include <stdio.h>

#include "dump_world.h"

static uint64_t random_state;

static unsigned int below(unsigned int end)
{
	return (unsigned int)(test_random(&random_state) % end);
}

/* Near something that is mapped, mostly; any access that is allowed. */
static struct phyrsim_access random_access(void)
{
	uint64_t first = w.caps.iova.first.addr, last = w.caps.iova.last.addr;
	uint64_t at = test_random(&random_state) % phyr_bits_size(35);
	struct phyrsim_access access = { { first + at }, RO, below(32) };

	access.flags &= ~(unsigned int)PHYRSIM_WALK_UPDATE;
	if (below(3) == 0)
		access.iova.addr = last - at;
	if (below(3) == 0)
		access.iova.addr = last / 2 + at;
	if (below(32) == 0)
		access.iova.addr = test_random(&random_state);
	if ((access.flags & PHYRSIM_WALK_EXECUTE) == 0)
		access.perm = (enum phyr_perm)(1 + below(3));
	return access;
}

static const char *last_line(const struct sunk *sunk)
{
	size_t at = sunk->len - 1;

	assert_int_equal(sunk->bytes[at], '\n');
	while (at > 0 && sunk->bytes[at - 1] != '\n')
		at--;
	return sunk->bytes + at;
}

/* The words end with what the walk says. */
static void check_words(const struct phyrsim_root *root, const struct phyrsim_access *access,
			const struct phyrsim_walk *walk)
{
	struct sunk sunk;
	char expected[64];

	sunk_init(&sunk);
	assert_int_equal(phyrsim_dump_explain(w.mem, root, access, &sunk.sink), PHYR_OK);
	if (walk->fault == PHYRSIM_FAULT_NONE)
		(void)snprintf(expected, sizeof(expected), "translates to 0x%016" PRIx64 ":",
			       walk->pa.addr);
	else
		(void)snprintf(expected, sizeof(expected),
			       "fault %s at level %u:", phyrsim_fault_name(walk->fault),
			       walk->level);
	assert_memory_equal(last_line(&sunk), expected, strlen(expected));
	sunk_drop(&sunk);
}

static void check_access(const struct phyrsim_root *root)
{
	struct phyrsim_access access = random_access();
	bool missing;
	struct phyrsim_walk walk;
	struct phyrsim_dump_walk path;
	const struct phyrsim_dump_step *end;
	int err = phyrsim_walk(w.mem, root, &access, &walk);

	assert_int_equal(phyrsim_dump_path(w.mem, root, &access, &path), err);
	assert_int_equal(path.walk.fault, walk.fault);
	assert_int_equal(path.walk.pa.addr, walk.pa.addr);
	missing = walk.fault == PHYRSIM_FAULT_MEMORY;
	assert_int_equal(path.step_cnt, walk.read_cnt + missing);
	check_words(root, &access, &walk);
	if (path.step_cnt == 0)
		return;
	end = &path.steps[path.step_cnt - 1];
	assert_int_equal(end->level, walk.level);
	assert_int_equal(end->read, !missing);
	if (!missing)
		assert_int_equal(end->entry_pa.addr, walk.entry_pa.addr);
	if (!missing)
		assert_int_equal(end->entry, walk.entry);
}

/* A line of the text, back as numbers. */
struct line {
	uint64_t iova, pa, len, cnt, entry;
	unsigned int number;
	char unit;
	char use[64];
};

static bool read_line(const char *text, struct line *line)
{
	return sscanf(text,
		      "0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " %u%c %" SCNu64 " %63s 0x%" SCNx64
		      "\n",
		      &line->iova, &line->pa, &line->len, &line->number, &line->unit, &line->cnt,
		      line->use, &line->entry) == 8;
}

static uint64_t size_of(const struct line *line)
{
	static const char units[] = "BKMGTPE";

	return (uint64_t)line->number << 10 * (strchr(units, line->unit) - units);
}

static void use_of(const struct phyrsim_leaf *leaf, char use[64])
{
	static const char *const names[] = { "uncached", "mmio", "noexec", "privileged" };

	(void)snprintf(use, 64, "%c%c", leaf->perm & RO ? 'r' : '-', leaf->perm & WO ? 'w' : '-');
	for (unsigned int i = 0; i < CNT(names); i++) {
		if (leaf->attrs >> i & 1)
			(void)strcat(strcat(use, ","), names[i]);
	}
	if (leaf->dirty)
		(void)strcat(use, ",dirty");
}

/* The leaves of one line are the writer's next ones. */
static void check_line(const struct line *line)
{
	uint64_t size = size_of(line);

	assert_int_equal(line->len, size * line->cnt);
	for (uint64_t i = 0; i < line->cnt; i++) {
		struct phyr_iova_range range = { { line->iova + i * size }, size };
		struct phyrsim_leaf leaf;
		char use[64];

		assert_int_equal(phyrsim_pagetable_next(w.table, range, &leaf), PHYR_OK);
		assert_int_equal(leaf.iova.addr, range.iova.addr);
		assert_int_equal(leaf.pa.addr, line->pa + i * size);
		assert_int_equal(phyr_bits_size(leaf.lg2), size);
		if (i == 0)
			assert_int_equal(leaf.entry, line->entry);
		use_of(&leaf, use);
		assert_string_equal(use, line->use);
	}
}

/* As many leaves of each size as the writer has counted, and no faults. */
static void check_text(const struct phyrsim_root *root)
{
	struct sunk text = sunk_text(w.mem, root, 0);
	struct phyr_block_counts counts = { .cnt = { 0 } };
	const struct phyrsim_pagetable_stats now = stats();
	uint64_t line_cnt, leaf_cnt = 0, fault_cnt, last = 0;
	const char *at = strstr(text.bytes, "section leaves\n");
	struct line line;

	assert_non_null(at);
	for (at = strchr(at, '\n') + 1; read_line(at, &line); at = strchr(at, '\n') + 1) {
		assert_true(leaf_cnt == 0 || line.iova > last);
		last = line.iova + (line.len - 1);
		counts.cnt[phyr_bits_log2(size_of(&line))] += line.cnt;
		leaf_cnt += line.cnt;
		check_line(&line);
	}
	assert_memory_equal(&counts, &now.leaves, sizeof(counts));
	assert_int_equal(
		sscanf(at, "end %" SCNu64 " %" SCNu64 " %" SCNu64, &line_cnt, &last, &fault_cnt),
		3);
	assert_int_equal(last, leaf_cnt);
	assert_int_equal(fault_cnt, 0);
	sunk_drop(&text);
}

static void check_same_walks(struct phyrsim_mem *mem, const struct phyrsim_root *root,
			     uint64_t iter)
{
	for (uint64_t i = 0; i < iter; i++) {
		struct phyrsim_access access = random_access();
		struct phyrsim_walk here = { 0 }, there = { 0 };

		assert_int_equal(phyrsim_walk(mem, root, &access, &there),
				 phyrsim_walk(w.mem, root, &access, &here));
		assert_int_equal(here.fault, there.fault);
		assert_int_equal(here.pa.addr, there.pa.addr);
		assert_int_equal(here.entry, there.entry);
		assert_int_equal(here.leaf_lg2, there.leaf_lg2);
		assert_int_equal(here.perm, there.perm);
	}
}

/* Every leaf stands in the text, so equal texts are equal walks of every granule. */
static void check_image(const struct phyrsim_root *root, uint64_t iter)
{
	struct sunk image = image_of(w.mem, root), again;
	struct sunk here = sunk_text(w.mem, root, PHYRSIM_DUMP_TABLES), there;
	struct phyrsim_mem *mem;
	struct phyrsim_root read;

	assert_int_equal(phyrsim_dump_load(&w.host.mem, image.bytes, image.len, &mem, &read, NULL),
			 PHYR_OK);
	there = sunk_text(mem, &read, PHYRSIM_DUMP_TABLES);
	assert_string_equal(here.bytes, there.bytes);
	check_same_walks(mem, &read, iter);
	again = image_of(mem, &read);
	assert_int_equal(again.len, image.len);
	assert_memory_equal(again.bytes, image.bytes, image.len);
	phyrsim_mem_destroy(mem);
	sunk_drop(&image);
	sunk_drop(&again);
	sunk_drop(&here);
	sunk_drop(&there);
}

/* A bit of an item, or all of it, in some table on a path. */
static void spoil(const struct phyrsim_root *root)
{
	struct phyrsim_access access = random_access();
	struct phyrsim_dump_walk path;
	const struct phyrsim_dump_step *step;
	uint64_t *word;

	assert_int_not_equal(phyrsim_dump_path(w.mem, root, &access, &path), PHYR_E_INVAL);
	if (path.step_cnt == 0)
		return;
	step = &path.steps[below(path.step_cnt)];
	if (!step->read)
		return;
	word = phyrsim_mem_frame(w.mem, step->entry_pa);
	word += step->entry_pa.addr % KIB4 / 8;
	if (below(4) != 0)
		*word ^= UINT64_C(1) << below(64);
	else
		*word = test_random(&random_state);
}

static void run_config(const struct config *config, uint64_t iter)
{
	struct phyrsim_root root;

	open_config(config);
	map_at_random(&random_state, 24);
	clean_at_random(&random_state);
	root = root_now();
	check_text(&root);
	check_image(&root, iter);
	for (uint64_t i = 0; i < iter; i++)
		check_access(&root);
	for (unsigned int i = 0; i < 20; i++)
		spoil(&root);
	check_image(&root, iter);
	for (uint64_t i = 0; i < iter; i++)
		check_access(&root);
	close_config();
}

static void every_configuration_reads_as_it_walks(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1), iter = test_number("PHYR_ITER", 200);

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	for (size_t i = 0; i < CNT(configs); i++)
		run_config(&configs[i], iter);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_configuration_reads_as_it_walks),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
