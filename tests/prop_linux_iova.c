/* SPDX-License-Identifier: MIT */
/*
 * Random calls of Linux's allocator of I/O addresses against its rules written down once more, with
 * plain arrays: every address, every refusal and every count must be the same.
 *
 * PHYR_SEED and PHYR_ITER (calls a space) repeat or lengthen a run.
 */
#include "linux_iova_world.h"

#define CPU_CNT 2
#define BIN_CNT PHYRSIM_LINUX_BIN_CNT
#define MAGAZINE_CNT PHYRSIM_LINUX_MAGAZINE_CNT
#define LOW_END UINT64_C(0x100000)
#define RANGE_CNT_MAX 12000
#define STACK_CNT_MAX 64

struct range {
	uint64_t first;
	uint64_t last;
};

struct magazine {
	size_t cnt;
	uint64_t pfns[MAGAZINE_CNT];
};

/* The rules with arrays. Ranges ascend; cursors are first pages; the anchor is at the top. */
struct model {
	uint64_t start;
	struct range ranges[RANGE_CNT_MAX];
	size_t range_cnt;
	uint64_t low_cursor, cursor, refused;
	struct magazine loaded[CPU_CNT][BIN_CNT], spare[CPU_CNT][BIN_CNT];
	struct magazine depots[BIN_CNT][STACK_CNT_MAX];
	size_t depot_cnts[BIN_CNT];
	struct phyrsim_linux_iova_stats stats; /* those that the rules speak of */
};

/* What a caller holds. */
struct held {
	uint64_t pfn;
	uint64_t page_cnt;
};

struct world {
	uint64_t random;
	struct fixture *f;
	struct model *model;
	struct held held[RANGE_CNT_MAX];
	size_t held_cnt;
};

static void model_open(struct model *m, uint64_t start)
{
	memset(m, 0, sizeof(*m));
	m->start = start;
	m->ranges[0] = (struct range){ UINT64_MAX, UINT64_MAX };
	m->range_cnt = 1;
	m->low_cursor = m->cursor = UINT64_MAX;
	m->refused = LOW_END;
}

/* The index of the first range that ends at a page or above. */
static size_t index_from(const struct model *m, uint64_t pfn)
{
	size_t i = 0;

	while (m->ranges[i].last < pfn)
		i++;
	return i;
}

/* Rule 3, from a range on; 0 when nothing is found (page 0 is never given). */
static uint64_t model_descend(struct model *m, size_t i, uint64_t size, uint64_t low, uint64_t high,
			      uint64_t *visits)
{
	uint64_t align = 1;

	while (align < size)
		align *= 2;
	for (;; i--) {
		uint64_t candidate;

		++*visits;
		if (m->ranges[i].first < high)
			high = m->ranges[i].first;
		if (high < size)
			return 0;
		candidate = (high - size) / align * align;
		if (candidate < low)
			return 0;
		if (i == 0 || candidate > m->ranges[i - 1].last)
			return candidate;
	}
}

/* Rules 1 … 4. */
static uint64_t model_search(struct model *m, uint64_t size, uint64_t limit)
{
	uint64_t end = limit + 1, retry, found;
	size_t i;

	if (end <= LOW_END && size >= m->refused) {
		m->stats.reject_cnt++;
		return 0;
	}
	i = index_from(m, end <= LOW_END ? m->low_cursor : m->cursor);
	retry = m->ranges[i].last;
	found = model_descend(m, i, size, m->start, end, &m->stats.visit_cnt[0]);
	if (!found && retry < end) {
		m->stats.second_pass_cnt++;
		i = end > LOW_END ? m->range_cnt - 1 : index_from(m, end);
		found = model_descend(m, i, size, retry + 1, end, &m->stats.visit_cnt[1]);
	}
	if (!found) {
		m->refused = size;
		m->stats.refusal_cnt++;
	}
	return found;
}

static uint64_t model_alloc_tree(struct model *m, uint64_t size, uint64_t limit)
{
	uint64_t found = model_search(m, size, limit);
	size_t i;

	if (!found)
		return 0;
	i = index_from(m, found);
	assert_true(m->range_cnt < RANGE_CNT_MAX && found + size <= m->ranges[i].first);
	memmove(&m->ranges[i + 1], &m->ranges[i], (m->range_cnt++ - i) * sizeof(m->ranges[0]));
	m->ranges[i] = (struct range){ found, found + size - 1 };
	if (found + size - 1 < LOW_END)
		m->low_cursor = found;
	else
		m->cursor = found;
	m->stats.tree_alloc_cnt++;
	return found;
}

static void model_free_tree(struct model *m, uint64_t pfn)
{
	size_t i = index_from(m, pfn);
	struct range freed = m->ranges[i];

	if (freed.first == m->low_cursor || (freed.last < LOW_END && freed.first >= m->low_cursor))
		m->low_cursor = m->ranges[i + 1].first;
	if (freed.first < LOW_END)
		m->refused = LOW_END;
	if (freed.first >= m->cursor)
		m->cursor = m->ranges[i + 1].first;
	memmove(&m->ranges[i], &m->ranges[i + 1], (--m->range_cnt - i) * sizeof(m->ranges[0]));
	m->stats.tree_free_cnt++;
}

static void model_empty(struct model *m, struct magazine *magazine)
{
	for (size_t i = 0; i < magazine->cnt; i++)
		model_free_tree(m, magazine->pfns[i]);
	magazine->cnt = 0;
}

static void model_swap(struct model *m, unsigned int cpu, unsigned int bin)
{
	struct magazine loaded = m->loaded[cpu][bin];

	m->loaded[cpu][bin] = m->spare[cpu][bin];
	m->spare[cpu][bin] = loaded;
	m->stats.swap_cnt++;
}

static unsigned int bin_of(uint64_t page_cnt)
{
	unsigned int bin = 0;

	while ((UINT64_C(1) << bin) < page_cnt)
		bin++;
	return bin;
}

static uint64_t model_get(struct model *m, unsigned int cpu, uint64_t size, uint64_t limit)
{
	unsigned int bin = bin_of(size);
	struct magazine *loaded = &m->loaded[cpu][bin];

	if (loaded->cnt == 0 && m->spare[cpu][bin].cnt) {
		model_swap(m, cpu, bin);
	} else if (loaded->cnt == 0 && m->depot_cnts[bin]) {
		*loaded = m->depots[bin][--m->depot_cnts[bin]];
		m->stats.depot_pop_cnt++;
	}
	for (size_t i = loaded->cnt; i-- > 0;) {
		uint64_t pfn = loaded->pfns[i];

		if (pfn + size > limit + 1)
			continue;
		loaded->pfns[i] = loaded->pfns[--loaded->cnt];
		m->stats.hit_cnt++;
		return pfn;
	}
	m->stats.limit_miss_cnt += loaded->cnt > 0;
	m->stats.miss_cnt++;
	return 0;
}

static void model_put(struct model *m, unsigned int cpu, uint64_t pfn, uint64_t size)
{
	unsigned int bin = bin_of(size);
	struct magazine *loaded;

	if (bin >= BIN_CNT) {
		model_free_tree(m, pfn);
		return;
	}
	loaded = &m->loaded[cpu][bin];
	if (loaded->cnt == MAGAZINE_CNT && m->spare[cpu][bin].cnt < MAGAZINE_CNT) {
		model_swap(m, cpu, bin);
	} else if (loaded->cnt == MAGAZINE_CNT) {
		assert_true(m->depot_cnts[bin] < STACK_CNT_MAX);
		m->depots[bin][m->depot_cnts[bin]++] = *loaded;
		m->stats.depot_push_cnt++;
		loaded->cnt = 0;
	}
	loaded->pfns[loaded->cnt++] = pfn;
}

static void model_flush(struct model *m)
{
	for (unsigned int cpu = 0; cpu < CPU_CNT; cpu++) {
		for (unsigned int bin = 0; bin < BIN_CNT; bin++) {
			model_empty(m, &m->loaded[cpu][bin]);
			model_empty(m, &m->spare[cpu][bin]);
		}
	}
	for (unsigned int bin = 0; bin < BIN_CNT; bin++)
		while (m->depot_cnts[bin])
			model_empty(m, &m->depots[bin][--m->depot_cnts[bin]]);
	m->stats.flush_cnt++;
}

static uint64_t model_alloc(struct model *m, const struct phyrsim_linux_iova_request *request)
{
	uint64_t size = request->len >> PHYR_PAGE_LG2;
	uint64_t limit = request->last.addr >> PHYR_PAGE_LG2;
	uint64_t pfn = 0;

	if (size < 32)
		size = UINT64_C(1) << bin_of(size);
	m->stats.rounded_len -= request->len;
	if (bin_of(size) < BIN_CNT)
		pfn = model_get(m, request->cpu, size, limit);
	if (!pfn)
		pfn = model_alloc_tree(m, size, limit);
	if (!pfn && request->flush) {
		model_flush(m);
		pfn = model_alloc_tree(m, size, limit);
	}
	m->stats.rounded_len += pfn ? BYTES(size) : request->len;
	return pfn;
}

static void model_tick(struct model *m)
{
	for (unsigned int bin = 0; bin < BIN_CNT; bin++) {
		if (m->depot_cnts[bin] <= CPU_CNT)
			continue;
		model_empty(m, &m->depots[bin][--m->depot_cnts[bin]]);
		m->stats.depot_trim_cnt++;
	}
}

static void assert_same_counts(const struct world *w)
{
	struct phyrsim_linux_iova_stats got = stats_of(w->f), want = w->model->stats;

	assert_int_equal(got.node_cnt, w->model->range_cnt - 1);
	/* What the model does not count itself. */
	want.node_cnt = got.node_cnt;
	want.node_peak_cnt = got.node_peak_cnt;
	want.visit_max_cnt = got.visit_max_cnt;
	want.live_len = got.live_len;
	want.cached_len = got.cached_len;
	want.magazine_cnt = got.magazine_cnt;
	want.depot_magazine_cnt = 0;
	for (unsigned int bin = 0; bin < BIN_CNT; bin++)
		want.depot_magazine_cnt += w->model->depot_cnts[bin];
	assert_memory_equal(&got, &want, sizeof(got));
}

static uint64_t below_end(struct world *w, uint64_t end)
{
	return test_random(&w->random) % end;
}

static uint64_t random_size(struct world *w)
{
	switch (below_end(w, 8)) {
	case 0:
		return 1 + below_end(w, 70);
	case 1:
		return 1 + below_end(w, 8);
	default:
		return 1;
	}
}

static void alloc_random(struct world *w)
{
	static const uint64_t limits[] = { LOW_TOP,	  LOW_TOP,	 LOW_TOP,
					   LOW_TOP - 700, LOW_TOP + 600, LOW_TOP + 1 };
	struct phyrsim_linux_iova_request request =
		below(random_size(w), limits[below_end(w, CNT(limits))]);
	struct phyr_iova_range range = { { 0 }, 0 };
	uint64_t want;
	int err;

	request.cpu = (unsigned int)below_end(w, CPU_CNT);
	request.flush = below_end(w, 4) == 0;
	want = model_alloc(w->model, &request);
	err = phyrsim_linux_iova_alloc_fast(w->f->iova, &request, &range);
	assert_int_equal(err == PHYR_OK, want != 0);
	if (err)
		return;
	assert_int_equal(range.iova.addr >> PHYR_PAGE_LG2, want);
	w->held[w->held_cnt++] = (struct held){ want, range.len >> PHYR_PAGE_LG2 };
}

static void free_random(struct world *w)
{
	size_t i = below_end(w, w->held_cnt);
	unsigned int cpu = below_end(w, 4) == 0; /* most on one CPU: its magazines overflow */
	struct held held = w->held[i];

	w->held[i] = w->held[--w->held_cnt];
	if (below_end(w, 16) == 0) {
		model_free_tree(w->model, held.pfn);
		give_to_tree(w->f, held.pfn);
		return;
	}
	model_put(w->model, cpu, held.pfn, held.page_cnt);
	give_on(w->f, cpu, held.pfn, held.page_cnt);
}

/* Grows for a while, shrinks for a while, so that magazines fill and spaces too. */
static void step(struct world *w, uint64_t i)
{
	bool grow = below_end(w, 16) < (i / 8192 % 2 ? 3u : 12u);

	if (below_end(w, 256) == 0) {
		model_tick(w->model);
		phyrsim_linux_iova_tick(w->f->iova);
	} else if (grow || w->held_cnt == 0) {
		alloc_random(w);
	} else {
		free_random(w);
	}
}

static void run(struct fixture *f, uint64_t seed, uint64_t page_cnt)
{
	uint64_t iter_cnt = test_number("PHYR_ITER", 40000);
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->model = malloc(sizeof(*w->model));
	assert_non_null(w->model);
	w->random = seed;
	w->f = f;
	open_from(f, LOW_END - page_cnt, CPU_CNT);
	model_open(w->model, LOW_END - page_cnt);
	for (uint64_t i = 0; i < iter_cnt; i++) {
		step(w, i);
		assert_same_counts(w);
		if (i % 512 == 0)
			assert_valid(f);
	}
	free(w->model);
	free(w);
}

static void every_address_and_count_is_that_of_the_rules(void **state)
{
	static const uint64_t page_cnts[] = { 40, 300, 1000, 5000, 0xfffff };
	uint64_t seed = test_number("PHYR_SEED", 1);

	print_message("PHYR_SEED=%#llx\n", (unsigned long long)seed);
	for (size_t i = 0; i < CNT(page_cnts); i++)
		run(*state, seed + i, page_cnts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_address_and_count_is_that_of_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
