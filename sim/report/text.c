/* SPDX-License-Identifier: MIT */
/* A result as three aligned tables: describe, map, translate. */

#include <inttypes.h>
#include <string.h>

#include "report.h"

const char *phyrsim_strategy_name(enum phyrsim_strategy strategy)
{
	switch (strategy) {
	case PHYRSIM_BY_PAGE:
		return "page at a time";
	case PHYRSIM_LINUX:
		return "Linux";
	case PHYRSIM_PHASE:
		return "phase";
	}
	return "?";
}

const char *phyrsim_naming_name(enum phyrsim_naming naming)
{
	switch (naming) {
	case PHYRSIM_NAME_VA:
		return "VA";
	case PHYRSIM_NAME_ZERO:
		return "zero";
	case PHYRSIM_NAME_IOVA:
		return "IOVA";
	}
	return "?";
}

static void describe_row(struct table *table, const char *name, uint64_t entry_cnt, uint64_t len,
			 uint64_t page_cnt)
{
	char per_page[TABLE_CELL];

	(void)snprintf(per_page, sizeof(per_page), "%.4f", (double)len / (double)page_cnt);
	phyrsim_table_row(table, name);
	phyrsim_table_number(table, entry_cnt);
	phyrsim_table_number(table, len);
	phyrsim_table_text(table, per_page);
}

static void print_describe(FILE *stream, const struct phyrsim_describe *describe)
{
	const struct phyr_list_stats *list = &describe->list;
	struct table table = { .text_column = TABLE_COLUMNS };

	phyrsim_table_row(&table, "describe");
	phyrsim_table_text(&table, "entries");
	phyrsim_table_text(&table, "bytes");
	phyrsim_table_text(&table, "bytes/page");
	describe_row(&table, "scatterlist, segments to 64K", describe->sg_default.entry_cnt,
		     describe->sg_default.len, describe->page_cnt);
	describe_row(&table, "scatterlist, segments to 2G", describe->sg_long.entry_cnt,
		     describe->sg_long.len, describe->page_cnt);
	describe_row(&table, "bio_vec", describe->bio_vec.entry_cnt, describe->bio_vec.len,
		     describe->page_cnt);
	describe_row(&table, "phys_vec", describe->phys_vec.entry_cnt, describe->phys_vec.len,
		     describe->page_cnt);
	describe_row(&table, "8-byte chunks", list->run_cnt, list->words_len + list->tags_len,
		     describe->page_cnt);
	phyrsim_table_print(stream, &table);
}

static void row_name(enum phyrsim_strategy strategy, bool for_mixed, char name[TABLE_CELL])
{
	(void)snprintf(name, TABLE_CELL, "%s%s", phyrsim_strategy_name(strategy),
		       for_mixed ? " for mixed sizes" : "");
}

static void print_map(FILE *stream, const struct phyrsim_result *result)
{
	static const char *const heads[] = { "reserved",    "4K leaves", "2M leaves", "1G leaves",
					     "table bytes", "map calls", "flushes" };
	struct table table = { .text_column = TABLE_COLUMNS };
	char name[TABLE_CELL];

	phyrsim_table_row(&table, "map");
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		phyrsim_table_text(&table, heads[i]);
	for (size_t i = 0; i < result->mapping_cnt; i++) {
		const struct phyrsim_mapping *row = &result->mapping[i];

		row_name(row->strategy, row->for_mixed, name);
		if (row->strategy == PHYRSIM_PHASE)
			(void)strcat(strcat(name, ", named by "), phyrsim_naming_name(row->naming));
		if (row->counted)
			(void)strcat(name, " (counted)");
		phyrsim_table_row(&table, name);
		phyrsim_table_size(&table, row->reserved_len);
		phyrsim_table_number(&table, row->leaves.cnt[12]);
		phyrsim_table_number(&table, row->leaves.cnt[21]);
		phyrsim_table_number(&table, row->leaves.cnt[30]);
		phyrsim_table_number(&table, row->table_len);
		phyrsim_table_number(&table, row->call_cnt);
		phyrsim_table_number(&table, row->flush_cnt);
	}
	phyrsim_table_print(stream, &table);
}

/* "255x4K 1x1M 1x2M", the smallest first. */
static void mixed_cut(const struct phyr_block_counts *counts, char text[TABLE_CELL])
{
	char size[TABLE_CELL];
	size_t len = 0;

	*text = '\0';
	for (unsigned int lg2 = 0; lg2 < 64 && len < TABLE_CELL; lg2++) {
		if (counts->cnt[lg2] == 0)
			continue;
		phyrsim_size_text(UINT64_C(1) << lg2, size, sizeof(size));
		len += (size_t)snprintf(text + len, TABLE_CELL - len, "%s%" PRIu64 "x%s",
					len ? " " : "", counts->cnt[lg2], size);
	}
}

static void add_page_size(struct table *table, const struct phyrsim_mtt_cost *cost)
{
	if (cost->entry_cnt)
		phyrsim_table_size(table, cost->page_len);
	else
		phyrsim_table_text(table, "none fits");
	phyrsim_table_number(table, cost->entry_cnt);
}

static void print_translate(FILE *stream, const struct phyrsim_result *result)
{
	static const char *const heads[] = { "named by", "page size",  "entries", "bytes",
					     "octwords", "covering",   "entries", "mixed",
					     "bytes",	 "mixed sizes" };
	struct table table = { .text_column = 10 };
	char name[TABLE_CELL], cut[TABLE_CELL];

	phyrsim_table_row(&table, "translate");
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		phyrsim_table_text(&table, heads[i]);
	for (size_t i = 0; i < result->translation_cnt; i++) {
		const struct phyrsim_translation *row = &result->translation[i];

		row_name(row->strategy, row->for_mixed, name);
		phyrsim_table_row(&table, name);
		phyrsim_table_text(&table, phyrsim_naming_name(row->naming));
		add_page_size(&table, &row->single);
		phyrsim_table_number(&table, row->single.len);
		phyrsim_table_number(&table, row->single.octword_len);
		add_page_size(&table, &row->cover);
		phyrsim_table_number(&table, row->mixed.entry_cnt);
		phyrsim_table_number(&table, row->mixed.len);
		mixed_cut(&row->mixed.pages, cut);
		phyrsim_table_text(&table, cut);
	}
	phyrsim_table_print(stream, &table);
}

/* A name that a terminal may be given as it is: control characters become question marks. */
static const char *printable(const char *name, char text[TABLE_CELL])
{
	size_t i = 0;

	for (; name[i] && i < TABLE_CELL - 1; i++)
		text[i] = (char)((unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i]);
	text[i] = '\0';
	return text;
}

static void print_item(FILE *stream, const struct phyrsim_report_item *item)
{
	const struct phyrsim_describe *describe = &item->result->describe;
	char len[TABLE_CELL], title[TABLE_CELL], source[TABLE_CELL];

	phyrsim_size_text(describe->list.len, len, sizeof(len));
	(void)fprintf(stream, "%s: %s, %" PRIu64 " page%s in %" PRIu64 " run%s (%s)\n",
		      printable(item->title, title), len, describe->page_cnt,
		      describe->page_cnt == 1 ? "" : "s", describe->list.run_cnt,
		      describe->list.run_cnt == 1 ? "" : "s", printable(item->source, source));
	if (item->provide_s >= 0)
		(void)fprintf(
			stream,
			"  the kernel took %.3f s to provide the pages and to take them back\n",
			item->provide_s);
	if (item->run_s >= 0)
		(void)fprintf(stream, "  everything else took %.3f s\n", item->run_s);
	(void)fputc('\n', stream);
	print_describe(stream, describe);
	(void)fputc('\n', stream);
	if (item->result->map_err) {
		(void)fprintf(stream, "  cannot be mapped in one range: %s: %s\n",
			      item->result->map_step, phyr_strerror(item->result->map_err));
		return;
	}
	print_map(stream, item->result);
	(void)fputc('\n', stream);
	print_translate(stream, item->result);
}

int phyrsim_report_text(FILE *stream, const struct phyrsim_report_item *items, size_t item_cnt)
{
	(void)fputs("IOMMU: VT-d second stage, 4K, 2M and 1G leaves, 48-bit addresses, strict "
		    "flushing\n"
		    "device: entries of 8 bytes in octwords of 16; covering: one page size that "
		    "may reach\n"
		    "beyond the region, as Linux takes it; phase: fewest entries first, then "
		    "leaves\n\n",
		    stream);
	for (size_t i = 0; i < item_cnt; i++) {
		if (i)
			(void)fputc('\n', stream);
		print_item(stream, &items[i]);
	}
	return ferror(stream) ? PHYR_E_IO : PHYR_OK;
}

int phyrsim_report(FILE *stream, enum phyrsim_report_format format,
		   const struct phyrsim_report_item *items, size_t item_cnt)
{
	if (!stream || (!items && item_cnt))
		return PHYR_E_INVAL;
	switch (format) {
	case PHYRSIM_REPORT_TEXT:
		return phyrsim_report_text(stream, items, item_cnt);
	case PHYRSIM_REPORT_JSON:
		return phyrsim_report_json(stream, items, item_cnt);
	}
	return PHYR_E_INVAL;
}
