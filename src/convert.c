/* SPDX-License-Identifier: MIT */
/* Imports and exports of lists; nothing here knows how a list stores its runs. */

#include <phyr/convert.h>

/* Ends an import: what failed leaves the list as it was. */
static int finish(struct phyr_list *list, const struct phyr_list_mark *before, int err)
{
	if (err)
		phyr_list_rollback(list, before);
	return err;
}

static int check_import(const struct phyr_list *list, const void *items, size_t cnt,
			struct phyr_tag tag)
{
	if (!list || (!items && cnt) || (unsigned int)tag.kind >= PHYR_KIND_CNT)
		return PHYR_E_INVAL;
	return PHYR_OK;
}

static int append(struct phyr_list *list, struct phyr_range range, struct phyr_tag tag)
{
	return range.len ? phyr_list_append(list, range, tag) : PHYR_OK;
}

int phyr_convert_ranges(struct phyr_list *list, const struct phyr_range *ranges, size_t range_cnt,
			struct phyr_tag tag)
{
	struct phyr_list_mark before;
	int err = check_import(list, ranges, range_cnt, tag);

	if (err)
		return err;
	phyr_list_mark(list, &before);
	for (size_t i = 0; !err && i < range_cnt; i++)
		err = append(list, ranges[i], tag);
	return finish(list, &before, err);
}

int phyr_convert_rows(struct phyr_list *list, const struct phyr_row *rows, size_t row_cnt,
		      struct phyr_tag tag)
{
	struct phyr_list_mark before;
	int err = check_import(list, rows, row_cnt, tag);

	if (err)
		return err;
	phyr_list_mark(list, &before);
	for (size_t i = 0; !err && i < row_cnt; i++)
		err = append(list, (struct phyr_range){ rows[i].pa, rows[i].len }, tag);
	return finish(list, &before, err);
}

/* One piece of process memory, in as many ranges as the translator makes of it. */
static int append_vec(struct phyr_list *list, struct phyr_vec vec, struct phyr_tag tag,
		      phyr_translate *translate, void *ctx)
{
	const unsigned char *at = vec.base;

	while (vec.len) {
		struct phyr_range range = { phyr_pa_at(0), 0 };
		int err = translate(ctx, at, vec.len, &range);

		if (!err && (range.len == 0 || range.len > vec.len))
			err = PHYR_E_INVAL;
		if (!err)
			err = phyr_list_append(list, range, tag);
		if (err)
			return err;
		at += range.len;
		vec.len -= range.len;
	}
	return PHYR_OK;
}

int phyr_convert_vecs(struct phyr_list *list, const struct phyr_vec *vecs, size_t vec_cnt,
		      struct phyr_tag tag, phyr_translate *translate, void *ctx)
{
	struct phyr_list_mark before;
	int err = check_import(list, vecs, vec_cnt, tag);

	if (err || !translate)
		return PHYR_E_INVAL;
	phyr_list_mark(list, &before);
	for (size_t i = 0; !err && i < vec_cnt; i++)
		err = append_vec(list, vecs[i], tag, translate, ctx);
	return finish(list, &before, err);
}

int phyr_convert_to_ranges(const struct phyr_list *list, struct phyr_range *ranges, size_t cap,
			   uint64_t *ret_cnt)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t cnt = 0;

	if (!list || (!ranges && cap) || !ret_cnt)
		return PHYR_E_INVAL;
	phyr_list_begin(list, &cursor);
	for (; phyr_list_next(&cursor, &run); cnt++)
		if (cnt < cap)
			ranges[cnt] = run.range;
	*ret_cnt = cnt;
	return cnt > cap ? PHYR_E_LIMIT : PHYR_OK;
}

int phyr_convert_to_rows(const struct phyr_list *list, uint32_t segment_max, struct phyr_row *rows,
			 size_t cap, uint64_t *ret_cnt)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	uint64_t cnt = 0;

	if (!list || segment_max == 0 || (!rows && cap) || !ret_cnt)
		return PHYR_E_INVAL;
	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t at = run.range.pa.addr, len = run.range.len;

		/* What there is no room for is counted without a loop. */
		for (; len && cnt < cap; cnt++) {
			uint32_t part = len < segment_max ? (uint32_t)len : segment_max;

			rows[cnt] = (struct phyr_row){ phyr_pa_at(at), part };
			at += part;
			len -= part;
		}
		cnt += len / segment_max + (len % segment_max != 0);
	}
	*ret_cnt = cnt;
	return cnt > cap ? PHYR_E_LIMIT : PHYR_OK;
}

int phyr_convert_to_pages(const struct phyr_list *list, uint64_t *pages, size_t cap,
			  uint64_t *ret_cnt)
{
	struct phyr_list_cursor cursor;
	struct phyr_list_stats stats;
	struct phyr_run run;
	uint64_t cnt = 0;

	if (!list || (!pages && cap) || !ret_cnt)
		return PHYR_E_INVAL;
	phyr_list_stats(list, &stats);
	if (stats.granular)
		return PHYR_E_ALIGN;
	phyr_list_begin(list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t first = run.range.pa.addr >> PHYR_PAGE_LG2;
		uint64_t last = (run.range.pa.addr + (run.range.len - 1)) >> PHYR_PAGE_LG2;
		uint64_t page_cnt = last - first + 1;

		for (uint64_t i = 0; i < page_cnt && cnt + i < cap; i++)
			pages[cnt + i] = first + i;
		cnt += page_cnt;
	}
	*ret_cnt = cnt;
	return cnt > cap ? PHYR_E_LIMIT : PHYR_OK;
}
