/* SPDX-License-Identifier: MIT */
/*
 * The six cases as one JSON object. Keys are stable: they are added to, never renamed; a change of
 * meaning raises "format".
 */

#include <jansson.h>

#include "report.h"

#define FORMAT_VERSION 1

static json_int_t integer(uint64_t number)
{
	return (json_int_t)number;
}

static json_t *linux_json(const struct phyrsim_case_linux *cost)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sg_entries",
			 integer(cost->sg_cnt), "sg_bytes", integer(cost->sg_len), "entries",
			 integer(cost->entry_cnt), "told_bytes", integer(cost->told_len),
			 "map_calls", integer(cost->call_cnt), "flushes", integer(cost->flush_cnt),
			 "by_page_calls", integer(cost->page_cnt), "by_page_bytes",
			 integer(cost->page_len), "by_page_flushes", integer(cost->page_flush_cnt),
			 "two_step_bytes", integer(cost->state_len));
}

static json_t *flushes_json(const struct phyrsim_case_row *row)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "range", integer(row->flush_cnt[PHYR_FLUSH_RANGE]),
			 "domain", integer(row->flush_cnt[PHYR_FLUSH_DOMAIN]), "walk",
			 integer(row->flush_cnt[PHYR_FLUSH_WALK]), "device",
			 integer(row->flush_cnt[PHYR_FLUSH_DEVICE]));
}

static json_t *row_json(const struct phyrsim_case_row *row)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, "
			 "s:I, s:I, s:I, s:I, s:o}",
			 "case", (int)row->which, "name", phyrsim_case_name(row->which) + 2,
			 "pages", phyrsim_mix_name(row->mix), "flushing",
			 phyrsim_flushing_name(row->flushing), "bytes", integer(row->len), "runs",
			 integer(row->run_cnt), "entries", integer(row->entry_cnt), "map_calls",
			 integer(row->call_cnt), "mapped_runs", integer(row->mapped_run_cnt),
			 "syncs", integer(row->sync_cnt), "leaves", integer(row->leaf_cnt),
			 "flushes", flushes_json(row), "to_unmap_bytes", integer(row->need_len),
			 "kept_bytes", integer(row->keep_len), "reserved_bytes",
			 integer(row->reserved_len), "held_bytes", integer(row->held_len),
			 "bounced_bytes", integer(row->bounced_len), "checked",
			 integer(row->checked_cnt), "linux", linux_json(&row->linux_cost));
}

int phyrsim_cases_json(FILE *stream, const struct phyrsim_case_row *rows, size_t row_cnt)
{
	json_t *cases = json_array();
	json_t *root;
	int failed = 0;

	for (size_t i = 0; !failed && i < row_cnt; i++)
		failed = json_array_append_new(cases, row_json(&rows[i]));
	root = json_pack("{s:s, s:i, s:i, s:o}", "phyrsim", phyr_version(), "format",
			 FORMAT_VERSION, "rounds", PHYRSIM_CASE_ROUNDS, "cases", cases);
	if (!root || failed) {
		json_decref(root);
		return PHYR_E_NOMEM;
	}
	failed = json_dumpf(root, stream, JSON_INDENT(2));
	json_decref(root);
	(void)fputc('\n', stream);
	return failed || ferror(stream) ? PHYR_E_IO : PHYR_OK;
}
