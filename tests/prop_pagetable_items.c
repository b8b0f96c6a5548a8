/* SPDX-License-Identifier: MIT */
/*
 * What every format must hold, over every level, size, permission and attribute of every
 * configuration: an item says what it was made of and nothing else; the index fields of the levels
 * tile the I/O address; bits that hardware ignores change nothing, in what the writer reads either,
 * and stay; each reserved bit makes the item fault.
 *
 * Not here: worked entries (test_pagetable_formats.c); entries that the writer does not make
 * (prop_walker.c); pointers that would not fit (test_pagetable_regressions.c, B16).
 *
 * PHYR_SEED repeats a run.
 */
#include <phyrsim/walker.h>

#include "pagetable_formats.h"

#define ITEMS_MAX 256
#define LEVELS_MAX 6

static uint64_t random_state;
static uint64_t raws[ITEMS_MAX]; /* the items of a leaf */

/* A leaf at a place of its own, and what it is made of. */
struct made {
	const struct config *config;
	uint64_t iova, pa, len;
	unsigned int lg2, perm, attrs;
};

static uint64_t *word_of(uint64_t pa)
{
	uint64_t *words = phyrsim_mem_frame(w.mem, phyr_pa_at(pa));

	assert_non_null(words);
	return words + pa / 8 % 512;
}

/* Random, but for the size that it must be a multiple of; of a small window, the last place. */
static struct made make(const struct config *config, unsigned int lg2)
{
	uint64_t first = w.caps.iova.first.addr, last = w.caps.iova.last.addr;
	struct made made = { config, first, 0, phyr_bits_size(lg2), lg2, RW, 0 };

	made.pa = phyr_bits_down(test_random(&random_state) & w.caps.pa_last.addr, lg2);
	made.iova += phyr_bits_down(test_random(&random_state) & (last - first), lg2);
	return made;
}

static void map_made(const struct made *made)
{
	assert_int_equal(map_attrs(made->iova, made->pa, made->len, made->perm, made->attrs),
			 PHYR_OK);
	assert_int_equal(stats().leaves.cnt[made->lg2], 1);
}

/* [log2 bytes] an item of the level that has leaves of a size */
static unsigned int item_of(unsigned int lg2, unsigned int *ret_level)
{
	struct phyrsim_root root = root_now();

	*ret_level = 0;
	while (item_lg2(&root, *ret_level + 1) <= lg2)
		++*ret_level;
	return item_lg2(&root, *ret_level);
}

/* From any byte of it, a leaf is the same, and as it was made. */
static struct phyrsim_leaf check_byte(const struct made *made, uint64_t offset)
{
	struct phyrsim_leaf leaf;
	unsigned int level;
	phyr_pa pa;

	(void)item_of(made->lg2, &level);
	assert_int_equal(
		phyrsim_pagetable_translate(w.table, phyr_iova_at(made->iova + offset), &pa, &leaf),
		PHYR_OK);
	assert_int_equal(pa.addr, made->pa + offset);
	assert_int_equal(leaf.iova.addr, made->iova);
	assert_int_equal(leaf.pa.addr, made->pa);
	assert_int_equal(leaf.lg2, made->lg2);
	assert_int_equal(leaf.level, level);
	assert_int_equal(leaf.perm, perm_of(made->config, made->perm));
	assert_int_equal(leaf.attrs, attrs_of(made->config, made->attrs));
	return leaf;
}

/* Made again from what it says, each item is the same, bit for bit. */
static void check_made(const struct made *made)
{
	unsigned int level, lg2 = item_of(made->lg2, &level);
	size_t cnt = (size_t)1 << (made->lg2 - lg2);
	struct phyrsim_leaf leaf = { 0 };

	assert_in_range(cnt, 1, ITEMS_MAX);
	map_made(made);
	for (size_t i = 0; i < cnt; i++) {
		uint64_t offset = test_random(&random_state) & phyr_bits_mask(lg2);

		leaf = check_byte(made, (i << lg2) + offset);
		raws[i] = *word_of(leaf.entry_pa.addr + i * 8);
	}
	assert_int_equal(leaf.entry, raws[0]);
	assert_int_equal(unmap(made->iova, made->len), PHYR_OK);
	assert_int_equal(find(made->iova).said.present, false);
	assert_int_equal(map_attrs(leaf.iova.addr, leaf.pa.addr, made->len, leaf.perm, leaf.attrs),
			 PHYR_OK);
	leaf = check_byte(made, 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(*word_of(leaf.entry_pa.addr + i * 8), raws[i]);
	assert_int_equal(unmap(made->iova, made->len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
}

/* Calls a check with every size of every configuration. */
static void for_each_size(void (*check)(const struct config *config, unsigned int lg2))
{
	random_state = test_number("PHYR_SEED", 1);
	print_message("PHYR_SEED=%llu\n", (unsigned long long)random_state);
	for (size_t i = 0; i < CNT(configs); i++) {
		open_config(&configs[i]);
		for (unsigned int lg2 = 12; lg2 < 52; lg2++)
			if (w.caps.sizes.mask >> lg2 & 1)
				check(&configs[i], lg2);
		close_config();
	}
}

static void check_uses(const struct config *config, unsigned int lg2)
{
	for (unsigned int perm = RO; perm <= RW; perm++) {
		for (unsigned int attrs = 0; attrs <= ATTRS_ALL; attrs++) {
			struct made made = make(config, lg2);

			made.perm = perm;
			made.attrs = attrs;
			check_made(&made);
		}
	}
}

static void an_item_says_what_it_was_made_of(void **state)
{
	(void)state;
	for_each_size(check_uses);
}

/* The levels' fields are as long as the address; a bit of it leads to another place of its own. */
static void index_fields_tile_the_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(configs); i++) {
		struct phyrsim_root root;
		unsigned int bits;
		uint64_t first;

		open_config(&configs[i]);
		first = w.caps.iova.first.addr;
		bits = phyr_bits_log2(w.caps.iova.last.addr - first) + 1;
		assert_int_equal(map(first, 0, granule()), PHYR_OK);
		for (unsigned int bit = root_now().granule_lg2; bit < bits; bit++)
			assert_int_equal(
				map(first | phyr_bits_size(bit), bit * granule(), granule()),
				PHYR_OK);
		root = root_now();
		for (unsigned int bit = root.granule_lg2; bit < bits; bit++)
			assert_int_equal(find(first | phyr_bits_size(bit)).pa, bit * granule());
		assert_int_equal(find(first).pa, 0);
		/* The top has what is left: one bit or more, and no more than 16 tables. */
		bits = item_lg2(&root, root.level_cnt - 1);
		assert_in_range(root.iova_bits - bits, 1, root.granule_lg2 - 3 + 4);
		close_config();
	}
}

/* The path to an address, from level 0 or where its leaf is up to the top. */
struct path {
	uint64_t *items[LEVELS_MAX];
	unsigned int leaf_level;
	struct phyrsim_root root;
};

static struct path path_of(uint64_t iova)
{
	struct path path = { .root = root_now() };
	uint64_t table = path.root.table.addr;
	uint64_t at = iova & (UINT64_MAX >> (64 - path.root.iova_bits));
	unsigned int level = path.root.level_cnt;

	for (;;) {
		unsigned int lg2 = item_lg2(&path.root, --level);
		struct said said;

		path.items[level] = word_of(table + (at >> lg2) * 8);
		said = read_item(&path.root, *path.items[level], level);
		assert_true(said.present);
		if (said.leaf)
			break;
		table = said.address;
		at &= phyr_bits_mask(lg2);
	}
	path.leaf_level = level;
	return path;
}

/* What the lists say, without what makes a leaf larger than its item, or is a mark of its own. */
static struct bits bits_at(const struct path *path, const struct made *made, unsigned int level)
{
	bool leaf = level == path->leaf_level;
	struct bits bits = bits_of(&path->root, level, leaf);

	if (!leaf)
		return bits;
	/* 52 and 51: groups and dirty marks; 53: half of XN where FEAT_XNX is. */
	if (path->root.format == ARM1 || path->root.format == ARM2)
		bits.ignored &= ~BITS(53, 51);
	if (made->lg2 > item_lg2(&path->root, level))
		bits.reserved &= ~inside(&path->root, level, true);
	/* Some pages are a 64K leaf with N, whose page number ends in a code. */
	if ((path->root.format == RV1 || path->root.format == RV2) && level == 0)
		bits.reserved &= ~(BIT(63) | BITS(13, 10));
	return bits;
}

static int walk(const struct path *path, uint64_t iova, struct phyrsim_walk *ret_walk)
{
	struct phyrsim_access access = { { iova }, RW, 0 };

	return phyrsim_walk(w.mem, &path->root, &access, ret_walk);
}

static void check_walk(const struct path *path, const struct made *made)
{
	uint64_t offset = test_random(&random_state) & (made->len - 1);
	struct phyrsim_walk found;

	/* Not by item 0 alone: its neighbours have not the bits, and may be asked instead. */
	offset &= phyr_bits_mask(item_lg2(&path->root, path->leaf_level));
	assert_int_equal(walk(path, made->iova + offset, &found), PHYR_OK);
	assert_int_equal(found.pa.addr, made->pa + offset);
	assert_int_equal(found.leaf_lg2, made->lg2);
	assert_int_equal(found.level, path->leaf_level);
	(void)check_byte(made, offset);
}

static void check_bits(const struct config *config, unsigned int lg2)
{
	struct made made = make(config, lg2);
	struct phyrsim_walk found;
	struct path path;

	map_made(&made);
	path = path_of(made.iova);
	for (unsigned int level = path.leaf_level; level < path.root.level_cnt; level++) {
		struct bits bits = bits_at(&path, &made, level);
		uint64_t good = *path.items[level];

		for (unsigned int i = 0; i < 16; i++) {
			*path.items[level] = good ^ (test_random(&random_state) & bits.ignored);
			check_walk(&path, &made);
		}
		for (; bits.reserved != 0; bits.reserved &= bits.reserved - 1) {
			*path.items[level] = good ^ (bits.reserved & (~bits.reserved + 1));
			assert_int_equal(walk(&path, made.iova, &found), PHYR_E_FAULT);
			assert_int_equal(found.level, level);
		}
		*path.items[level] = good;
	}
	assert_int_equal(unmap(made.iova, made.len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
}

static void ignored_bits_change_nothing_and_reserved_bits_fault(void **state)
{
	(void)state;
	for_each_size(check_bits);
}

/* Bits that Linux keeps for itself in leaves and pointers, or could. */
static const uint64_t software[PHYRSIM_FORMAT_CNT] = {
	[VTD] = BIT(10) | BITS(60, 52) | BIT(63),
	[AMD] = BITS(4, 1) | BIT(63),
	[X86] = BITS(11, 9) | BITS(62, 52),
	[ARM1] = BITS(58, 55),
	[ARM2] = BITS(58, 56),
	[RV1] = BITS(9, 8),
	[RV2] = BITS(9, 8),
};

/* A granule beside a leaf comes, changes and goes; false when there is none in the window. */
static bool stir(uint64_t iova)
{
	struct phyr_iova_range range = { { iova }, granule() };

	if (iova < w.caps.iova.first.addr || iova > w.caps.iova.last.addr)
		return false;
	assert_int_equal(map(iova, 0, granule()), PHYR_OK);
	assert_int_equal(phyrsim_pagetable_protect(w.table, range, RO, 0, &w.gather), PHYR_OK);
	assert_int_equal(unmap(iova, granule()), PHYR_OK);
	return true;
}

static void check_software(const struct config *config, unsigned int lg2)
{
	uint64_t mask = software[config->format], clean[LEVELS_MAX] = { 0 };
	struct made made = make(config, lg2);
	struct path path, after;

	map_made(&made);
	/* A table that grew in between has another top. */
	(void)stir(made.iova - granule());
	(void)stir(made.iova + made.len);
	path = path_of(made.iova);
	for (unsigned int level = path.leaf_level; level < path.root.level_cnt; level++) {
		clean[level] = *path.items[level];
		*path.items[level] |= mask;
	}
	(void)stir(made.iova - granule());
	(void)stir(made.iova + made.len);
	check_walk(&path, &made);
	after = path_of(made.iova);
	for (unsigned int level = path.leaf_level; level < path.root.level_cnt; level++) {
		assert_ptr_equal(after.items[level], path.items[level]);
		assert_int_equal(*path.items[level], clean[level] | mask);
	}
	/* What is made anew is clean. */
	assert_int_equal(unmap(made.iova, made.len), PHYR_OK);
	assert_int_equal(map_attrs(made.iova, made.pa, made.len, RW, 0), PHYR_OK);
	assert_int_equal(*path_of(made.iova).items[path.leaf_level], clean[path.leaf_level]);
	assert_int_equal(unmap(made.iova, made.len), PHYR_OK);
	phyrsim_pagetable_release(w.table, &w.gather);
}

static void software_bits_stay_and_change_nothing(void **state)
{
	(void)state;
	for_each_size(check_software);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(an_item_says_what_it_was_made_of),
		cmocka_unit_test(index_fields_tile_the_address),
		cmocka_unit_test(ignored_bits_change_nothing_and_reserved_bits_fault),
		cmocka_unit_test(software_bits_stay_and_change_nothing),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
