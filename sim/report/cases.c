/* SPDX-License-Identifier: MIT */
/* The six cases as aligned tables: two for each mix of pages. */

#include <inttypes.h>

#include "report.h"

/* Of a mix. */
#define ROWS_MAX (PHYRSIM_CASES_MAX / PHYRSIM_MIX_CNT)

const char *phyrsim_case_name(enum phyrsim_case which)
{
	switch (which) {
	case PHYRSIM_CASE_DIRECT:
		return "1 direct";
	case PHYRSIM_CASE_ALIGNED:
		return "2 aligned";
	case PHYRSIM_CASE_PEER:
		return "3 aligned, a peer";
	case PHYRSIM_CASE_BOUNCE_ONE:
		return "4 bounced, one";
	case PHYRSIM_CASE_BOUNCE_MANY:
		return "5 bounced, many";
	case PHYRSIM_CASE_UNALIGNED:
		return "6 unaligned";
	}
	return "?";
}

const char *phyrsim_mix_name(enum phyrsim_mix mix)
{
	static const char *const names[PHYRSIM_MIX_CNT] = { "4K", "2M", "1G", "2M and 4K" };

	return mix < PHYRSIM_MIX_CNT ? names[mix] : "?";
}

const char *phyrsim_flushing_name(enum phyrsim_flushing flushing)
{
	static const char *const names[PHYRSIM_FLUSHING_CNT] = { "none", "strict", "batched",
								 "lazy" };

	return flushing < PHYRSIM_FLUSHING_CNT ? names[flushing] : "?";
}

static void begin(struct table *table, const char *const *heads, size_t cnt)
{
	phyrsim_table_row(table, heads[0]);
	for (size_t i = 1; i < cnt; i++)
		phyrsim_table_text(table, heads[i]);
}

static void begin_row(struct table *table, const struct phyrsim_case_row *row)
{
	char name[TABLE_CELL];
	bool flushed = row->flushing != PHYRSIM_FLUSHING_NONE;

	(void)snprintf(name, sizeof(name), "%s%s%s", phyrsim_case_name(row->which),
		       flushed ? ", " : "", flushed ? phyrsim_flushing_name(row->flushing) : "");
	phyrsim_table_row(table, name);
}

static void print_ours(FILE *stream, const struct phyrsim_case_row *rows, size_t cnt)
{
	static const char *const heads[] = { "libphyr",	 "entries", "map calls", "runs",
					     "syncs",	 "leaves",  "range",	 "domain",
					     "to unmap", "kept",    "reserved",	 "held",
					     "bounced" };
	struct table table = { .text_column = TABLE_COLUMNS };

	begin(&table, heads, sizeof(heads) / sizeof(*heads));
	for (size_t i = 0; i < cnt; i++) {
		const struct phyrsim_case_row *row = &rows[i];

		begin_row(&table, row);
		phyrsim_table_number(&table, row->entry_cnt);
		phyrsim_table_number(&table, row->call_cnt);
		phyrsim_table_number(&table, row->mapped_run_cnt);
		phyrsim_table_number(&table, row->sync_cnt);
		phyrsim_table_number(&table, row->leaf_cnt);
		phyrsim_table_number(&table, row->flush_cnt[PHYR_FLUSH_RANGE]);
		phyrsim_table_number(&table, row->flush_cnt[PHYR_FLUSH_DOMAIN]);
		phyrsim_table_number(&table, row->need_len);
		phyrsim_table_number(&table, row->keep_len);
		phyrsim_table_number(&table, row->reserved_len);
		phyrsim_table_number(&table, row->held_len);
		phyrsim_table_number(&table, row->bounced_len);
	}
	phyrsim_table_print(stream, &table);
}

static void add_state(struct table *table, uint64_t len)
{
	if (len)
		phyrsim_table_number(table, len);
	else
		phyrsim_table_text(table, "-");
}

/* Linux has no batches. */
static void print_linux(FILE *stream, const struct phyrsim_case_row *rows, size_t cnt)
{
	static const char *const heads[] = { "Linux",	   "sg entries", "sg bytes", "entries",
					     "bytes told", "map calls",	 "flushes",  "by page",
					     "bytes",	   "flushes",	 "two steps" };
	struct table table = { .text_column = TABLE_COLUMNS };

	begin(&table, heads, sizeof(heads) / sizeof(*heads));
	for (size_t i = 0; i < cnt; i++) {
		const struct phyrsim_case_linux *cost = &rows[i].linux_cost;

		if (rows[i].flushing == PHYRSIM_FLUSHING_BATCHED)
			continue;
		begin_row(&table, &rows[i]);
		phyrsim_table_number(&table, cost->sg_cnt);
		phyrsim_table_number(&table, cost->sg_len);
		phyrsim_table_number(&table, cost->entry_cnt);
		phyrsim_table_number(&table, cost->told_len);
		phyrsim_table_number(&table, cost->call_cnt);
		phyrsim_table_number(&table, cost->flush_cnt);
		phyrsim_table_number(&table, cost->page_cnt);
		phyrsim_table_number(&table, cost->page_len);
		phyrsim_table_number(&table, cost->page_flush_cnt);
		add_state(&table, cost->state_len);
	}
	phyrsim_table_print(stream, &table);
}

/* A mix begins with its direct mapping, which has all of the memory and nothing else. */
static void print_mix(FILE *stream, const struct phyrsim_case_row *rows, size_t cnt)
{
	char len[TABLE_CELL];

	phyrsim_size_text(rows->len, len, sizeof(len));
	(void)fprintf(stream, "\npages of %s: %s in %" PRIu64 " run%s\n\n",
		      phyrsim_mix_name(rows->mix), len, rows->run_cnt,
		      rows->run_cnt == 1 ? "" : "s");
	print_ours(stream, rows, cnt);
	(void)fputc('\n', stream);
	print_linux(stream, rows, cnt);
}

int phyrsim_cases_text(FILE *stream, const struct phyrsim_case_row *rows, size_t row_cnt)
{
	(void)fprintf(stream,
		      "each is mapped, checked and unmapped %d times; flushes (range, domain) and "
		      "what was held\n"
		      "for them are of all times, everything else of one\n",
		      PHYRSIM_CASE_ROUNDS);
	for (size_t first = 0, i = 1; i <= row_cnt; i++) {
		if (i < row_cnt && rows[i].mix == rows[first].mix && i - first < ROWS_MAX)
			continue;
		print_mix(stream, &rows[first], i - first);
		first = i;
	}
	return ferror(stream) ? PHYR_E_IO : PHYR_OK;
}

int phyrsim_report_cases(FILE *stream, enum phyrsim_report_format format,
			 const struct phyrsim_case_row *rows, size_t row_cnt)
{
	if (!stream || (!rows && row_cnt) || row_cnt > PHYRSIM_CASES_MAX)
		return PHYR_E_INVAL;
	switch (format) {
	case PHYRSIM_REPORT_TEXT:
		return phyrsim_cases_text(stream, rows, row_cnt);
	case PHYRSIM_REPORT_JSON:
		return phyrsim_cases_json(stream, rows, row_cnt);
	}
	return PHYR_E_INVAL;
}
