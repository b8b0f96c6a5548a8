/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a space through three caches and directly, right and wrong, against a list
 * of what is out: no granule is out twice, none is lost, wrong frees change nothing, and "no space"
 * is said only when the holes of the space, the own cache emptied, have no room.
 *
 * A free that another cache has noted is out until it is passed on. A wrong one that might become
 * right (when the place is handed out in the meantime) is passed on at once; any other stays noted.
 *
 * PHYR_SEED and PHYR_ITER choose which spaces and how many. Not here: where exactly ranges lie
 * (prop_iova.c), threads (stress_iova.c).
 */
#include "iova_model.h"
#include "test.h"

#define OPS 1000
#define CACHES 3
/** Which cache; this many and above is the space itself. */
#define NOBODY CACHES
/** Most ranges that are out. */
#define OUT_MAX 400
/** Frees that a cache notes before it passes them on. */
#define NOTES 64

struct out {
	struct phyr_iova_range range;
	unsigned int noted; /* by which cache its free has been noted; NOBODY: by none */
};

struct world {
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *caches[CACHES];
	struct phyr_placement placements[CACHES];
	size_t notes[CACHES];	       /* frees it has noted, right and wrong */
	size_t wrong_notes[CACHES];    /* and of these wrong */
	uint64_t want_refused[CACHES]; /* wrong frees it has noticed */
	struct model m;		       /* as the space tells it: every live range, every hole */
	struct out outs[OUT_MAX];
	size_t out_cnt;
	bool calm; /* roomy and seldom drained, so that many frees are noted */
	uint64_t seed;
	uint64_t random;
	uint64_t op;
};

static void check(const struct world *w, bool holds, const char *what)
{
	if (!holds)
		fail_msg("PHYR_SEED=%llu PHYR_ITER=1, operation %llu: %s",
			 (unsigned long long)w->seed, (unsigned long long)w->op, what);
}

static uint64_t below(struct world *w, uint64_t limit)
{
	return test_random(&w->random) % limit;
}

/* One for low addresses, one for high ones, one for any; each with a wish of its own. */
static void cache_begin(struct world *w, unsigned int c)
{
	struct phyr_placement *p = &w->placements[c];
	uint64_t half = (w->m.cnt / 2) << w->m.granule_lg2;
	unsigned int lg2 = (unsigned int)below(w, 5);

	*p = phyr_placement_any();
	if (c == 0)
		p->window.last.addr = w->m.window.first.addr + (half - 1);
	if (c == 1)
		p->window.first.addr = w->m.window.first.addr + half;
	if (below(w, 3) == 0) {
		p->phase_lg2 = (uint8_t)(w->m.granule_lg2 + lg2);
		p->phase = below(w, UINT64_C(1) << lg2) << w->m.granule_lg2;
	}
	if (below(w, 4) == 0)
		p->boundary_lg2 = (uint8_t)(w->m.granule_lg2 + below(w, 10));
	p->fit = (enum phyr_fit)below(w, 4);
	assert_int_equal(phyr_iova_cache_create(w->space, p, &w->caches[c]), PHYR_OK);
}

static void world_begin(struct world *w, uint64_t seed)
{
	static const uint64_t cnts[] = { 64, 700, 1024, 1500, 3000 };
	struct phyr_iova_params params = { 0 };
	uint64_t cnt;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	test_mem_init(&w->mem);
	w->calm = below(w, 4) == 0;
	params.mem = &w->mem.mem;
	params.granule_lg2 = 12 + (unsigned int)below(w, 5);
	cnt = w->calm ? 12000 : cnts[below(w, CNT(cnts))];
	params.window.first.addr = below(w, 2) ? 0 - (cnt << params.granule_lg2) :
						 below(w, 5000) << params.granule_lg2;
	params.window.last.addr = params.window.first.addr + ((cnt << params.granule_lg2) - 1);
	check(w, model_open(&w->m, params.window, params.granule_lg2), "no memory for the model");
	assert_int_equal(phyr_iova_create(&params, &w->space), PHYR_OK);
	for (unsigned int c = 0; c < CACHES; c++)
		cache_begin(w, c);
}

/* What the space tells. */

static void read_space(struct world *w)
{
	const char *reason = model_read(&w->m, w->space);

	check(w, !reason, reason);
}

static struct phyr_iova_cache_stats told_by(const struct world *w, unsigned int c)
{
	struct phyr_iova_cache_stats stats;

	phyr_iova_cache_stats(w->caches[c], &stats);
	return stats;
}

/* [bytes] live, and not free in a cache */
static uint64_t len_out(const struct world *w)
{
	struct phyr_iova_stats stats;
	uint64_t len;

	phyr_iova_stats(w->space, &stats);
	len = stats.live_len;
	for (unsigned int c = 0; c < CACHES; c++)
		len -= told_by(w, c).held_len;
	return len;
}

static uint64_t len_of_outs(const struct world *w)
{
	uint64_t len = 0;

	for (size_t i = 0; i < w->out_cnt; i++)
		len += w->outs[i].range.len;
	return len;
}

static void expect_stats(struct world *w)
{
	struct phyr_iova_stats stats;
	size_t metadata_len = 0;
	uint64_t held_len = 0;

	phyr_iova_stats(w->space, &stats);
	for (unsigned int c = 0; c < CACHES; c++) {
		struct phyr_iova_cache_stats told = told_by(w, c);

		check(w, told.refused_cnt == w->want_refused[c], "refused_cnt of a cache");
		check(w, (told.strip_cnt == 0) <= (told.held_len == 0), "held without a strip");
		metadata_len += told.metadata_len;
		held_len += told.held_len;
	}
	check(w, stats.live_len == w->m.live_len, "live_len");
	check(w, stats.live_cnt == w->m.live_cnt, "live_cnt");
	check(w, stats.largest_len == model_largest(&w->m), "largest_len");
	check(w, stats.cached_len >= held_len && stats.cached_len <= stats.live_len, "cached_len");
	check(w, stats.metadata_len + metadata_len == w->mem.live_len, "metadata_len");
	check(w, len_out(w) == len_of_outs(w), "something is lost, or out twice");
}

static void expect_all(struct world *w)
{
	const char *reason = "";

	read_space(w);
	expect_stats(w);
	for (size_t i = 0; i < w->out_cnt; i++) {
		struct phyr_iova_range range;

		check(w,
		      phyr_iova_next(w->space, w->outs[i].range.iova, &range) &&
			      range.iova.addr == w->outs[i].range.iova.addr &&
			      range.len == w->outs[i].range.len,
		      "a range that is out is not live");
	}
	for (unsigned int c = 0; c < CACHES; c++)
		check(w, phyr_iova_cache_validate(w->caches[c], &reason), reason);
	check(w, phyr_iova_validate(w->space, &reason), reason);
}

/* Taking. */

static void take_out(struct world *w, struct phyr_iova_range range)
{
	struct out out = { range, NOBODY };

	for (size_t i = 0; i < w->out_cnt; i++) {
		const struct phyr_iova_range *other = &w->outs[i].range;

		/* Of two ranges that overlap one begins in the other. */
		check(w,
		      range.iova.addr - other->iova.addr >= other->len &&
			      other->iova.addr - range.iova.addr >= range.len,
		      "a granule is out twice");
	}
	w->outs[w->out_cnt++] = out;
}

static void bring_in(struct world *w, size_t i)
{
	w->outs[i] = w->outs[--w->out_cnt];
}

/* A cache has passed on what it had noted. */
static void passed_on(struct world *w, unsigned int c)
{
	for (size_t i = w->out_cnt; i-- > 0;) {
		if (w->outs[i].noted == c)
			bring_in(w, i);
	}
	w->want_refused[c] += w->wrong_notes[c];
	w->wrong_notes[c] = 0;
	w->notes[c] = 0;
}

static uint64_t random_cnt(struct world *w)
{
	static const uint64_t limits[] = { 1, 2, 4, 8, 16, 33, 80 };

	return 1 + below(w, limits[below(w, CNT(limits))]);
}

static void expect_cache_placed(struct world *w, unsigned int c, struct phyr_iova_range range,
				uint64_t cnt)
{
	uint64_t pos;

	check(w, range.len == cnt << w->m.granule_lg2, "another length");
	check(w, model_pos(&w->m, range.iova.addr, &pos) && pos + cnt <= w->m.cnt, "outside");
	check(w, model_allowed(&w->m, &w->placements[c], pos, cnt), "not as the cache was asked");
	take_out(w, range);
}

/* Whether it had to be drained for that cannot be seen unless something had been noted. */
static void cache_alloc(struct world *w, unsigned int c)
{
	uint64_t cnt = random_cnt(w);
	struct phyr_iova_range range = { { 1 }, 2 };
	uint64_t len = (cnt << w->m.granule_lg2) - below(w, PHYR_PAGE_SIZE);
	int err = phyr_iova_cache_alloc(w->caches[c], len, &range);

	if (err == PHYR_OK) {
		if (w->notes[c] && (len_out(w) != len_of_outs(w) + range.len ||
				    told_by(w, c).refused_cnt != w->want_refused[c]))
			passed_on(w, c);
		expect_cache_placed(w, c, range, cnt);
		return;
	}
	check(w, range.iova.addr == 1 && range.len == 2, "a refusal writes its result");
	if (err == PHYR_E_NOSPACE) {
		passed_on(w, c);
		check(w, told_by(w, c).strip_cnt == 0, "no space, and not drained");
	}
	read_space(w);
	check(w, err == model_alloc_answer(&w->m, cnt, &w->placements[c]).err,
	      "a cache says no space or limit wrongly");
}

static void space_alloc(struct world *w)
{
	struct phyr_placement *p = &w->placements[below(w, CACHES)];
	uint64_t cnt = random_cnt(w);
	struct phyr_iova_range range = { { 1 }, 2 };
	struct model_answer want;
	int err;

	read_space(w);
	want = model_alloc_answer(&w->m, cnt, p);
	err = phyr_iova_alloc(w->space, cnt << w->m.granule_lg2, p, &range);
	check(w, err == want.err, "the space says no space or limit wrongly");
	if (err == PHYR_OK) {
		check(w, model_may_take(&w->m, p, range, cnt), "not free, or not as asked");
		take_out(w, range);
	}
}

/* Giving back. */

/* To a cache or the space: the answer, and whether it has been noted. */
static int give(struct world *w, unsigned int to, struct phyr_iova_range range, bool *ret_noted)
{
	struct phyr_iova_cache_stats before;
	int err;

	*ret_noted = false;
	if (to == NOBODY)
		return phyr_iova_free(w->space, range);
	before = told_by(w, to);
	err = phyr_iova_cache_free(w->caches[to], range);
	*ret_noted = err == PHYR_OK && told_by(w, to).own_cnt == before.own_cnt;
	w->want_refused[to] += err != PHYR_OK;
	w->notes[to] += *ret_noted;
	return err;
}

static void pass_on_if_full(struct world *w, unsigned int c)
{
	if (c != NOBODY && w->notes[c] == NOTES)
		passed_on(w, c);
}

static bool nearly_full(const struct world *w, unsigned int c)
{
	return c != NOBODY && w->notes[c] >= NOTES - 2;
}

static void drain(struct world *w, unsigned int c)
{
	int err = phyr_iova_cache_drain(w->caches[c]);

	check(w, (err != PHYR_OK) == (w->wrong_notes[c] > 0),
	      "a drain tells of wrong frees wrongly");
	passed_on(w, c);
	check(w, told_by(w, c).held_len == 0 && told_by(w, c).strip_cnt == 0, "drained, not empty");
}

/* One that no free has been noted for; false when there is none. */
static bool choose(struct world *w, size_t *ret_out)
{
	for (size_t tries = 0; w->out_cnt > 0 && tries < 20; tries++) {
		*ret_out = (size_t)below(w, w->out_cnt);
		if (w->outs[*ret_out].noted == NOBODY)
			return true;
	}
	return false;
}

static void free_one(struct world *w)
{
	unsigned int to = (unsigned int)below(w, CACHES + 1);
	bool noted;
	size_t i;

	if (!choose(w, &i))
		return;
	check(w, give(w, to, w->outs[i].range, &noted) == PHYR_OK, "a right free is refused");
	if (noted)
		w->outs[i].noted = to;
	else
		bring_in(w, i);
	pass_on_if_full(w, to);
}

/* The second is refused, whoever it is told to, or the first when it is passed on later. */
static void free_twice(struct world *w)
{
	unsigned int first = (unsigned int)below(w, CACHES + 1);
	unsigned int second = (unsigned int)below(w, CACHES + 1);
	struct phyr_iova_range range;
	bool noted[2];
	int err;
	size_t i;

	if (nearly_full(w, first) || nearly_full(w, second) || !choose(w, &i))
		return;
	range = w->outs[i].range;
	bring_in(w, i);
	check(w, give(w, first, range, &noted[0]) == PHYR_OK, "the first of two frees is refused");
	err = give(w, second, range, &noted[1]);
	if (!noted[0] && !noted[1])
		check(w, err == PHYR_E_NOENT, "the second of two frees is accepted");
	else
		check(w, err == PHYR_OK, "a free is refused that is right as yet");
	/* With one note it is that one; of two, in whatever caches, the one passed on later. */
	if (noted[1])
		w->wrong_notes[second]++;
	else if (noted[0])
		w->wrong_notes[first]++;
	if (noted[0])
		drain(w, first);
	if (noted[1])
		drain(w, second);
}

/* A range that is out, made wrong so that it stays wrong, or so that it may become right. */
static struct phyr_iova_range make_wrong(struct world *w, struct phyr_iova_range range,
					 bool *ret_stays)
{
	uint64_t granule = phyr_bits_size(w->m.granule_lg2);

	*ret_stays = true;
	switch (below(w, 6)) {
	case 0:
		range.len -= 1 + below(w, granule - 1);
		break;
	case 1:
		range.iova.addr += 1 + below(w, granule - 1);
		break;
	case 2:
		range.len = 0;
		break;
	case 3:
		range.iova.addr = w->m.window.first.addr - granule;
		break;
	case 4:
		*ret_stays = false;
		range.len += granule;
		break;
	default:
		*ret_stays = false;
		if (range.len == granule)
			range.len = 2 * granule;
		else
			range.iova.addr += granule * (1 + below(w, range.len / granule - 1));
	}
	return range;
}

static void free_wrongly(struct world *w)
{
	unsigned int to = (unsigned int)below(w, CACHES + 1);
	struct phyr_iova_range range;
	bool noted, stays;
	size_t i;
	int err;

	if (!choose(w, &i))
		return;
	range = make_wrong(w, w->outs[i].range, &stays);
	err = give(w, to, range, &noted);
	if (noted) {
		w->wrong_notes[to]++;
		pass_on_if_full(w, to);
		if (!stays)
			drain(w, to);
		return;
	}
	check(w,
	      err == (range.iova.addr == w->outs[i].range.iova.addr ? PHYR_E_PARTIAL :
								      PHYR_E_NOENT),
	      "a wrong free is answered wrongly");
}

static void op(struct world *w)
{
	uint64_t kind = below(w, w->calm ? 90 : 100);

	if (kind < 45 && w->out_cnt < OUT_MAX)
		cache_alloc(w, (unsigned int)below(w, CACHES));
	else if (kind < 50 && w->out_cnt < OUT_MAX)
		space_alloc(w);
	else if (kind < 90)
		free_one(w);
	else if (kind < 93)
		free_twice(w);
	else if (kind < 98)
		free_wrongly(w);
	else
		drain(w, (unsigned int)below(w, CACHES));
}

/* Drained, the space has what is out and nothing else; in the end it has nothing. */
static void world_end(struct world *w)
{
	for (unsigned int c = 0; c < CACHES; c++)
		drain(w, c);
	expect_all(w);
	check(w, w->m.live_cnt == w->out_cnt, "the space has more than what is out");
	for (unsigned int c = 0; c < CACHES; c++)
		phyr_iova_cache_destroy(w->caches[c]);
	while (w->out_cnt > 0)
		assert_int_equal(phyr_iova_free(w->space, w->outs[--w->out_cnt].range), PHYR_OK);
	read_space(w);
	check(w, w->m.live_cnt == 0, "something is live that was never out");
	phyr_iova_destroy(w->space);
	check(w, w->mem.live_cnt == 0, "memory is left behind");
	model_close(&w->m);
}

static void nothing_is_out_twice_and_nothing_is_lost(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t cnt = test_number("PHYR_ITER", 40);
	struct world w;

	(void)state;
	for (uint64_t i = 0; i < cnt; i++) {
		world_begin(&w, seed + i);
		for (; w.op < OPS; w.op++) {
			op(&w);
			if (!w.calm || w.op % 16 == 0)
				expect_all(&w);
		}
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_out_twice_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
