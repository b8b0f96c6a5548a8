/* SPDX-License-Identifier: MIT */
/*
 * A result as one JSON object. Keys are stable: they are added to, never renamed; a change of
 * meaning raises "format".
 */

#include <inttypes.h>
#include <jansson.h>

#include "report.h"

#define FORMAT_VERSION 1

/* jansson's "o" frees a NULL argument's siblings and makes the whole NULL: one check at the end. */

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

/* A string; what is not UTF-8 in it (a file may have any name) becomes question marks. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);
	char plain[256];
	size_t i = 0;

	if (string)
		return string;
	for (; text[i] && i < sizeof(plain) - 1; i++)
		plain[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
	plain[i] = '\0';
	return json_string(plain);
}

static json_t *blocks_json(const struct phyr_block_counts *counts)
{
	json_t *object = json_object();
	char key[24];

	for (unsigned int lg2 = 0; object && lg2 < 63; lg2++) {
		if (counts->cnt[lg2] == 0)
			continue;
		(void)snprintf(key, sizeof(key), "%" PRIu64, UINT64_C(1) << lg2);
		if (json_object_set_new(object, key, integer(counts->cnt[lg2]))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *description_json(uint64_t entry_cnt, uint64_t len)
{
	return json_pack("{s:o, s:o}", "entries", integer(entry_cnt), "bytes", integer(len));
}

static json_t *linux_json(struct phyrsim_linux_cost cost)
{
	return description_json(cost.entry_cnt, cost.len);
}

static json_t *describe_json(const struct phyrsim_describe *describe)
{
	const struct phyr_list_stats *list = &describe->list;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pages",
			 integer(describe->page_cnt), "runs", integer(list->run_cnt),
			 "scatterlist_64k", linux_json(describe->sg_default), "scatterlist_2g",
			 linux_json(describe->sg_long), "bio_vec", linux_json(describe->bio_vec),
			 "phys_vec", linux_json(describe->phys_vec), "chunks",
			 description_json(list->run_cnt, list->words_len + list->tags_len));
}

static json_t *mapping_json(const struct phyrsim_mapping *row)
{
	bool named = row->strategy == PHYRSIM_PHASE;

	return json_pack("{s:s, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "strategy",
			 phyrsim_strategy_name(row->strategy), "named_by",
			 named ? phyrsim_naming_name(row->naming) : NULL, "for_mixed",
			 row->for_mixed, "reserved_bytes", integer(row->reserved_len), "leaves",
			 blocks_json(&row->leaves), "table_bytes", integer(row->table_len),
			 "map_calls", integer(row->call_cnt), "flushes", integer(row->flush_cnt),
			 "leaves_checked", integer(row->checked_cnt), "counted", row->counted);
}

static json_t *cost_json(const struct phyrsim_mtt_cost *cost)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "pages", blocks_json(&cost->pages), "entries",
			 integer(cost->entry_cnt), "bytes", integer(cost->len), "octword_bytes",
			 integer(cost->octword_len));
}

static json_t *translation_json(const struct phyrsim_translation *row)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "strategy",
			 phyrsim_strategy_name(row->strategy), "named_by",
			 phyrsim_naming_name(row->naming), "for_mixed", row->for_mixed, "single",
			 cost_json(&row->single), "covering", cost_json(&row->cover), "mixed",
			 cost_json(&row->mixed));
}

/* Appends to an array, which becomes NULL when anything has failed. */
static json_t *append(json_t *array, json_t *value)
{
	if (array && json_array_append_new(array, value) == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *item_json(const struct phyrsim_report_item *item)
{
	const struct phyrsim_result *result = item->result;
	json_t *mappings = json_array();
	json_t *translations = json_array();
	json_t *object;

	for (size_t i = 0; i < result->mapping_cnt; i++)
		mappings = append(mappings, mapping_json(&result->mapping[i]));
	for (size_t i = 0; i < result->translation_cnt; i++)
		translations = append(translations, translation_json(&result->translation[i]));
	object = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o}", "title", text_json(item->title), "source",
		text_json(item->source), "bytes", integer(result->describe.list.len), "describe",
		describe_json(&result->describe), "map", mappings, "translate", translations);
	if (object && result->map_err)
		(void)json_object_set_new(object, "map_error",
					  json_string(phyr_errname(result->map_err)));
	if (object && item->provide_s >= 0)
		(void)json_object_set_new(object, "provide_seconds", json_real(item->provide_s));
	if (object && item->run_s >= 0)
		(void)json_object_set_new(object, "run_seconds", json_real(item->run_s));
	return object;
}

int phyrsim_report_json(FILE *stream, const struct phyrsim_report_item *items, size_t item_cnt)
{
	json_t *buffers = json_array();
	json_t *root;
	int failed;

	for (size_t i = 0; i < item_cnt; i++)
		buffers = append(buffers, item_json(&items[i]));
	root = json_pack("{s:s, s:i, s:o}", "phyrsim", phyr_version(), "format", FORMAT_VERSION,
			 "buffers", buffers);
	if (!root)
		return PHYR_E_NOMEM;
	failed = json_dumpf(root, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	(void)fputc('\n', stream);
	return failed || ferror(stream) ? PHYR_E_IO : PHYR_OK;
}
