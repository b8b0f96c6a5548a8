/* SPDX-License-Identifier: MIT */
/*
 * Segments under a device's limits.
 *
 * A run is a line that multiples of the boundary cut into windows; each window takes as many
 * segments as its length divided by the largest, rounded up, because nothing can make up for a
 * window's end. All windows but the outer two are equal, which is why no loop counts them.
 *
 * Not here: NVMe's pages (prp.c).
 */

#include <string.h>

#include <phyr/bits.h>
#include <phyr/segment.h>

/* Limits in the form that the arithmetic wants, and what was found under them. */
struct measure {
	const struct phyr_segment_limits *limits;
	uint64_t len_max;      /* of a segment, a multiple of the alignment */
	uint64_t window_cnt;   /* segments of a whole window */
	unsigned int boundary; /* log2 of a window; 0 = none */
	struct phyr_segment_fit fit;
};

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

static bool measure_begin(struct measure *m, const struct phyr_segment_limits *limits)
{
	uint64_t len_max = limits->len_max ? limits->len_max : UINT64_MAX;

	if (limits->boundary_lg2 > 63 || limits->align_lg2 > 63 || limits->gap_lg2 > 63)
		return false;
	memset(m, 0, sizeof(*m));
	m->limits = limits;
	m->len_max = phyr_bits_down(len_max, limits->align_lg2);
	m->boundary = limits->boundary_lg2;
	if (m->len_max == 0 || (m->boundary && m->boundary < limits->align_lg2))
		return false;
	m->window_cnt = m->boundary ? div_up(phyr_bits_size(m->boundary), m->len_max) : 0;
	return true;
}

/* The bytes of a run up to the first multiple of the boundary. */
static uint64_t first_window(struct phyr_range run, unsigned int boundary_lg2)
{
	uint64_t rest_less_one = ~run.pa.addr & phyr_bits_mask(boundary_lg2);

	return boundary_lg2 && rest_less_one < run.len - 1 ? rest_less_one + 1 : run.len;
}

static uint64_t segments_of(const struct measure *m, struct phyr_range run)
{
	uint64_t first = first_window(run, m->boundary);
	uint64_t rest = run.len - first;
	uint64_t cnt = div_up(first, m->len_max);

	if (rest == 0)
		return cnt;
	return cnt + (rest >> m->boundary) * m->window_cnt +
	       div_up(rest & phyr_bits_mask(m->boundary), m->len_max);
}

/* How many bytes of a run some segments hold, when they do not hold all of it. */
static uint64_t bytes_of(const struct measure *m, struct phyr_range run, uint64_t cnt)
{
	uint64_t first = first_window(run, m->boundary);
	uint64_t first_cnt = div_up(first, m->len_max);

	if (cnt < first_cnt)
		return cnt * m->len_max;
	cnt -= first_cnt;
	if (cnt == 0)
		return first;
	return first + ((cnt / m->window_cnt) << m->boundary) + cnt % m->window_cnt * m->len_max;
}

/* Adds a run to the count, and to what fits as far as there is room. */
static void add_run(struct measure *m, struct phyr_range run)
{
	uint64_t cnt = segments_of(m, run);
	uint64_t max = m->limits->cnt_max ? m->limits->cnt_max : UINT64_MAX;

	if (m->fit.cnt < max)
		m->fit.fit_len += cnt <= max - m->fit.cnt ? run.len :
							    bytes_of(m, run, max - m->fit.cnt);
	m->fit.cnt += cnt;
}

/* Do two runs, or a run and an end of the part, meet where they may? */
static bool meets(const struct measure *m, uint64_t end, struct phyr_range next, bool interior)
{
	uint64_t both = end | next.pa.addr;

	if (!phyr_bits_aligned(both, m->limits->align_lg2))
		return false;
	/* A change of tag where the addresses go on leaves no gap. */
	return !interior || (end == next.pa.addr && end) ||
	       phyr_bits_aligned(both, m->limits->gap_lg2);
}

static int measure_runs(struct measure *m, struct phyr_list_cursor *cursor,
			struct phyr_segment_part part)
{
	uint64_t end = 0;
	struct phyr_run run;

	while (phyr_list_next(cursor, &run)) {
		if (!meets(m, end, run.range, run.offset != part.offset)) {
			m->fit = (struct phyr_segment_fit){ 0, 0, run.offset };
			return PHYR_E_ALIGN;
		}
		add_run(m, run.range);
		end = run.range.pa.addr + run.range.len;
	}
	if (!phyr_bits_aligned(end, m->limits->align_lg2)) {
		m->fit = (struct phyr_segment_fit){ 0, 0, part.offset + part.len };
		return PHYR_E_ALIGN;
	}
	return m->limits->cnt_max && m->fit.cnt > m->limits->cnt_max ? PHYR_E_LIMIT : PHYR_OK;
}

/* Measures a part; cursor is left at its start. */
static int measure_part(struct measure *m, const struct phyr_list *list,
			struct phyr_segment_part part, struct phyr_list_cursor *cursor)
{
	struct phyr_list_cursor measured;
	int err = phyr_list_slice(list, part.offset, part.len, cursor);

	if (err)
		return err;
	measured = *cursor;
	return measure_runs(m, &measured, part);
}

int phyr_segment_count(const struct phyr_list *list, struct phyr_segment_part part,
		       const struct phyr_segment_limits *limits, struct phyr_segment_fit *ret_fit)
{
	struct phyr_list_cursor cursor;
	struct measure m;
	int err;

	if (!list || !limits || !ret_fit || !measure_begin(&m, limits))
		return PHYR_E_INVAL;
	err = measure_part(&m, list, part, &cursor);
	if (err != PHYR_E_RANGE)
		*ret_fit = m.fit;
	return err;
}

int phyr_segment_begin(const struct phyr_list *list, struct phyr_segment_part part,
		       const struct phyr_segment_limits *limits, struct phyr_segments *segments)
{
	struct phyr_list_cursor cursor;
	struct measure m;
	int err;

	if (!list || !limits || !segments || !measure_begin(&m, limits))
		return PHYR_E_INVAL;
	err = measure_part(&m, list, part, &cursor);
	if (err)
		return err;
	segments->cursor = cursor;
	segments->run = (struct phyr_range){ { 0 }, 0 };
	segments->len_max = m.len_max;
	segments->boundary_lg2 = m.boundary;
	return PHYR_OK;
}

bool phyr_segment_next(struct phyr_segments *segments, struct phyr_iova_range *ret_segment)
{
	struct phyr_run run;
	uint64_t len;

	if (segments->run.len == 0) {
		if (!phyr_list_next(&segments->cursor, &run))
			return false;
		segments->run = run.range;
	}
	len = first_window(segments->run, segments->boundary_lg2);
	if (len > segments->len_max)
		len = segments->len_max;
	ret_segment->iova = phyr_iova_at(segments->run.pa.addr);
	ret_segment->len = len;
	segments->run.pa.addr += len;
	segments->run.len -= len;
	return true;
}
