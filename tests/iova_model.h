/* SPDX-License-Identifier: MIT */
/*
 * A slow and obvious I/O address space: a table of granules, searched from one end to the other.
 *
 * Positions count granules from the start of the space; "taken" tells whether a granule is in use,
 * "lens" how many granules the range has that starts at one. What is allowed is the definition in
 * base.h, which place is taken the rule at the top of iova.h, both word by word. Not here: anything
 * of CMocka, so that fuzz targets can use it too.
 */
#ifndef PHYR_TEST_IOVA_MODEL_H
#define PHYR_TEST_IOVA_MODEL_H

#include <stdlib.h>
#include <string.h>

#include <phyr/bits.h>
#include <phyr/iova.h>

/** Positions from first to before end. */
struct model_hole {
	uint64_t first;
	uint64_t end;
};

struct model {
	struct phyr_window window;
	unsigned int granule_lg2;
	uint64_t cnt;		  /**< granules */
	bool *taken;		  /**< [cnt] */
	uint32_t *lens;		  /**< [cnt] of the live range that starts here; 0 = none */
	struct model_hole *holes; /**< [cnt / 2 + 1] found by the last search, lowest first */
	uint64_t live_cnt;
	uint64_t live_len; /**< [bytes] */
};

/** A request in granules. */
struct model_request {
	const struct phyr_placement *p;
	uint64_t n;	/**< its length */
	uint64_t a;	/**< its modulus, at least 1 */
	uint64_t phase; /**< [granules] < a */
	uint64_t first; /**< positions that its window leaves: from here */
	uint64_t end;	/**< to before this */
	size_t hole_cnt;
};

/** What a space has to answer. */
struct model_answer {
	int err;
	uint64_t pos;	/**< where, when err is PHYR_OK and the place is prescribed */
	uint64_t tried; /**< holes to try one by one; the most that may be, when it is not */
	bool exact;	/**< the place is prescribed */
};

static inline bool model_open(struct model *m, struct phyr_window window, unsigned int granule_lg2)
{
	memset(m, 0, sizeof(*m));
	m->window = window;
	m->granule_lg2 = granule_lg2;
	m->cnt = phyr_bits_blocks(window.first.addr, window.last.addr, granule_lg2);
	m->taken = calloc((size_t)m->cnt, sizeof(*m->taken));
	m->lens = calloc((size_t)m->cnt, sizeof(*m->lens));
	m->holes = calloc((size_t)m->cnt / 2 + 1, sizeof(*m->holes));
	return m->taken && m->lens && m->holes;
}

/** Everything is free again. */
static inline void model_clear(struct model *m)
{
	memset(m->taken, 0, (size_t)m->cnt * sizeof(*m->taken));
	memset(m->lens, 0, (size_t)m->cnt * sizeof(*m->lens));
	m->live_cnt = 0;
	m->live_len = 0;
}

static inline void model_close(struct model *m)
{
	free(m->taken);
	free(m->lens);
	free(m->holes);
}

static inline uint64_t model_address(const struct model *m, uint64_t pos)
{
	return m->window.first.addr + (pos << m->granule_lg2);
}

static inline struct phyr_iova_range model_range(const struct model *m, uint64_t pos, uint64_t cnt)
{
	struct phyr_iova_range range = { { model_address(m, pos) }, cnt << m->granule_lg2 };

	return range;
}

static inline bool model_all_free(const struct model *m, uint64_t pos, uint64_t cnt)
{
	for (uint64_t i = pos; i < pos + cnt; i++) {
		if (m->taken[i])
			return false;
	}
	return true;
}

static inline void model_take(struct model *m, uint64_t pos, uint64_t cnt)
{
	for (uint64_t i = pos; i < pos + cnt; i++)
		m->taken[i] = true;
	m->lens[pos] = (uint32_t)cnt;
	m->live_len += cnt << m->granule_lg2;
	m->live_cnt++;
}

static inline void model_give(struct model *m, uint64_t pos)
{
	uint64_t cnt = m->lens[pos];

	for (uint64_t i = pos; i < pos + cnt; i++)
		m->taken[i] = false;
	m->lens[pos] = 0;
	m->live_len -= cnt << m->granule_lg2;
	m->live_cnt--;
}

/** The position where a range starts; false when that is inside no granule of the space. */
static inline bool model_pos(const struct model *m, uint64_t addr, uint64_t *ret_pos)
{
	if (addr < m->window.first.addr || addr > m->window.last.addr ||
	    !phyr_bits_aligned(addr, m->granule_lg2))
		return false;
	*ret_pos = (addr - m->window.first.addr) >> m->granule_lg2;
	return true;
}

/** What phyr_iova_free() has to answer where no caches are. */
static inline int model_free_answer(const struct model *m, struct phyr_iova_range range)
{
	uint64_t pos;

	if (!model_pos(m, range.iova.addr, &pos) || !m->lens[pos])
		return PHYR_E_NOENT;
	return range.len == (uint64_t)m->lens[pos] << m->granule_lg2 ? PHYR_OK : PHYR_E_PARTIAL;
}

/** The definition of a placement in base.h, for one position. */
static inline bool model_allowed(const struct model *m, const struct phyr_placement *p,
				 uint64_t pos, uint64_t cnt)
{
	uint64_t first = model_address(m, pos);
	uint64_t last = first + ((cnt << m->granule_lg2) - 1);

	if (first < p->window.first.addr || last > p->window.last.addr)
		return false;
	if (!phyr_bits_aligned(first - p->phase, p->phase_lg2))
		return false;
	return !p->boundary_lg2 || first >> p->boundary_lg2 == last >> p->boundary_lg2;
}

/** The lowest or the highest allowed position between two. */
static inline bool model_fit(const struct model *m, const struct model_request *r,
			     struct model_hole in, uint64_t *ret_pos)
{
	bool up = r->p->fit == PHYR_FIT_BOTTOM_UP || r->p->fit == PHYR_FIT_FIRST_UP;

	for (uint64_t i = 0; in.first + r->n + i <= in.end; i++) {
		uint64_t pos = up ? in.first + i : in.end - r->n - i;

		if (model_allowed(m, r->p, pos, r->n)) {
			*ret_pos = pos;
			return true;
		}
	}
	return false;
}

/** Maximal free ranges inside a request's window. */
static inline void model_find_holes(struct model *m, struct model_request *r)
{
	r->hole_cnt = 0;
	for (uint64_t pos = r->first; pos < r->end; pos++) {
		if (m->taken[pos])
			continue;
		if (pos == r->first || m->taken[pos - 1])
			m->holes[r->hole_cnt++].first = pos;
		m->holes[r->hole_cnt - 1].end = pos + 1;
	}
}

/** Cuts a placement's window to the space's and to whole granules. */
static inline void model_cut(const struct model *m, struct model_request *r)
{
	uint64_t less_one = phyr_bits_mask(m->granule_lg2);

	r->first = 0;
	while (r->first < m->cnt && model_address(m, r->first) < r->p->window.first.addr)
		r->first++;
	r->end = m->cnt;
	while (r->end > r->first &&
	       model_address(m, r->end - 1) + less_one > r->p->window.last.addr)
		r->end--;
}

/** The outermost block of a hole: as long as the power of two, and aligned to it. */
static inline bool model_block(const struct model *m, const struct model_request *r,
			       struct model_hole *in)
{
	uint64_t len =
		phyr_bits_size(phyr_bits_log2_up(r->phase + r->n > r->a ? r->phase + r->n : r->a));
	uint64_t base = m->window.first.addr >> m->granule_lg2;
	bool up = r->p->fit == PHYR_FIT_BOTTOM_UP;

	for (uint64_t i = 0; in->first + len + i <= in->end; i++) {
		uint64_t pos = up ? in->first + i : in->end - len - i;

		if ((base + pos) % len == 0) {
			in->first = pos;
			in->end = pos + len;
			return true;
		}
	}
	return false;
}

/** What is looked for, in this order. */
enum model_step { MODEL_BLOCK, MODEL_LONG, MODEL_EACH };

/** One step of the rule over all holes, in the order of the direction. */
static inline bool model_step(struct model *m, const struct model_request *r, enum model_step step,
			      struct model_answer *answer)
{
	bool up = r->p->fit == PHYR_FIT_BOTTOM_UP || r->p->fit == PHYR_FIT_FIRST_UP;

	for (size_t i = 0; i < r->hole_cnt; i++) {
		struct model_hole in = m->holes[up ? i : r->hole_cnt - 1 - i];
		uint64_t len = in.end - in.first;

		if (len < r->n || (step == MODEL_LONG && len < r->n + r->a - 1))
			continue;
		if (step == MODEL_BLOCK && !model_block(m, r, &in))
			continue;
		answer->tried += step == MODEL_EACH;
		if (model_fit(m, r, in, &answer->pos))
			return true;
	}
	return false;
}

/** The rule at the top of iova.h. */
static inline bool model_find(struct model *m, const struct model_request *r,
			      struct model_answer *answer)
{
	bool plain = r->a == 1 && !r->p->boundary_lg2;

	if (r->p->fit != PHYR_FIT_FIRST_UP) {
		bool hole = !r->p->boundary_lg2;

		if (hole && r->n > r->a && model_step(m, r, MODEL_LONG, answer))
			return true;
		if (!plain && model_step(m, r, MODEL_BLOCK, answer))
			return true;
		if (hole && model_step(m, r, MODEL_LONG, answer))
			return true;
		/* Every fit would have been a block. */
		if (r->a > 1 && r->n == r->a && r->phase == 0)
			return false;
	}
	return model_step(m, r, MODEL_EACH, answer);
}

/** What phyr_iova_alloc() has to answer to a request of cnt granules that makes sense. */
static inline struct model_answer model_alloc_answer(struct model *m, uint64_t cnt,
						     const struct phyr_placement *p)
{
	struct model_answer answer = { PHYR_E_LIMIT, 0, 0, true };
	struct model_request r = { p, cnt, 1, p->phase >> m->granule_lg2, 0, 0, 0 };
	struct model_hole whole;

	if (p->phase_lg2 > m->granule_lg2)
		r.a = phyr_bits_size(p->phase_lg2 - m->granule_lg2);
	model_cut(m, &r);
	whole.first = r.first;
	whole.end = r.end;
	if (!model_fit(m, &r, whole, &answer.pos))
		return answer;
	model_find_holes(m, &r);
	answer.err = model_find(m, &r, &answer) ? PHYR_OK : PHYR_E_NOSPACE;
	answer.exact = p->fit != PHYR_FIT_PACKED || answer.err != PHYR_OK;
	if (answer.exact || !answer.tried)
		return answer;
	/* A packed search has no order: any hole may be the last one tried. */
	answer.tried = 0;
	for (size_t i = 0; i < r.hole_cnt; i++)
		answer.tried += m->holes[i].end - m->holes[i].first >= cnt;
	return answer;
}

/** Is this a free range of so many granules, where the placement allows one? */
static inline bool model_may_take(const struct model *m, const struct phyr_placement *p,
				  struct phyr_iova_range range, uint64_t cnt)
{
	uint64_t pos;

	return range.len == cnt << m->granule_lg2 && model_pos(m, range.iova.addr, &pos) &&
	       pos + cnt <= m->cnt && model_all_free(m, pos, cnt) && model_allowed(m, p, pos, cnt);
}

/** The live range, or the hole, that starts at a position or is the first above; cnt 0: none. */
static inline struct phyr_iova_range model_next(const struct model *m, uint64_t pos, bool live)
{
	uint64_t end;

	while (pos < m->cnt && (live ? !m->lens[pos] : m->taken[pos]))
		pos++;
	if (pos == m->cnt)
		return model_range(m, 0, 0);
	for (end = pos; !live && end < m->cnt && !m->taken[end];)
		end++;
	return model_range(m, pos, live ? m->lens[pos] : end - pos);
}

/** [bytes] the largest hole */
static inline uint64_t model_largest(const struct model *m)
{
	uint64_t largest = 0;
	uint64_t cnt = 0;

	for (uint64_t pos = 0; pos < m->cnt; pos++) {
		cnt = m->taken[pos] ? 0 : cnt + 1;
		if (largest < cnt)
			largest = cnt;
	}
	return largest << m->granule_lg2;
}

/** Fills the table with every range that a space tells; NULL, or what does not fit in it. */
static inline const char *model_read_live(struct model *m, struct phyr_iova_space *space)
{
	struct phyr_iova_range range;
	uint64_t from = 0;
	uint64_t pos;

	model_clear(m);
	while (phyr_iova_next(space, phyr_iova_at(from), &range)) {
		uint64_t cnt = range.len >> m->granule_lg2;

		if (!model_pos(m, range.iova.addr, &pos) || cnt == 0 || cnt > m->cnt - pos ||
		    !model_all_free(m, pos, cnt))
			return "a live range outside the space, or over another";
		model_take(m, pos, cnt);
		if (__builtin_add_overflow(range.iova.addr, range.len, &from))
			break;
	}
	return NULL;
}

/** The same, and compares the holes between them with those that the space tells. */
static inline const char *model_read(struct model *m, struct phyr_iova_space *space)
{
	const char *reason = model_read_live(m, space);

	for (uint64_t pos = 0; !reason && pos < m->cnt;) {
		struct phyr_iova_range want = model_next(m, pos, false);
		struct phyr_iova_range got = { { 0 }, 0 };

		(void)phyr_iova_next_hole(space, phyr_iova_at(model_address(m, pos)), &got);
		if (got.len != want.len || (want.len && got.iova.addr != want.iova.addr))
			reason = "a hole is not what lies between live ranges";
		if (!want.len)
			break;
		pos = ((want.iova.addr - m->window.first.addr) + want.len) >> m->granule_lg2;
	}
	return reason;
}

#endif
