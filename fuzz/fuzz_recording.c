/* SPDX-License-Identifier: MIT */
/*
 * Property: any bytes are a recording or are refused with a reason. What was accepted is made of
 * valid lists and comes back the same from its own text; what was refused leaves nothing behind.
 */
#include "fuzz_recording.h"

static void require_same_run(const struct phyr_run *a, const struct phyr_run *b)
{
	require(a->range.pa.addr == b->range.pa.addr && a->range.len == b->range.len);
	require(a->tag.kind == b->tag.kind && a->tag.provider == b->tag.provider);
	require(a->offset == b->offset);
}

static void require_same_list(const struct phyr_list *a, const struct phyr_list *b)
{
	struct phyr_list_cursor at_a, at_b;
	struct phyr_run run_a, run_b;

	require(phyr_list_va(a) == phyr_list_va(b));
	phyr_list_begin(a, &at_a);
	phyr_list_begin(b, &at_b);
	while (phyr_list_next(&at_a, &run_a)) {
		require(phyr_list_next(&at_b, &run_b));
		require_same_run(&run_a, &run_b);
	}
	require(!phyr_list_next(&at_b, &run_b));
}

static void require_same(const struct phyr_recording *a, const struct phyr_recording *b)
{
	require(phyr_recording_cnt(a) == phyr_recording_cnt(b));
	for (size_t i = 0; i < phyr_recording_cnt(a); i++) {
		const struct phyr_recording_buffer *in_a = phyr_recording_buffer(a, i);
		const struct phyr_recording_buffer *in_b = phyr_recording_buffer(b, i);

		require(strcmp(in_a->title, in_b->title) == 0);
		require(phyr_list_validate(&in_a->list, NULL));
		require_same_list(&in_a->list, &in_b->list);
	}
}

static void check_accepted(const struct phyr_recording *recording)
{
	struct phyr_recording_bytes text = { .mem = phyr_heap_mem() };
	struct phyr_recording_bytes again = { .mem = phyr_heap_mem() };
	struct phyr_recording *copy = empty_recording();

	require(phyr_recording_cnt(recording) > 0);
	require(phyr_recording_print(recording, &text) == PHYR_OK);
	require(phyr_recording_parse(copy, (const char *)text.bytes, text.len, NULL) == PHYR_OK);
	require_same(recording, copy);
	require(phyr_recording_print(copy, &again) == PHYR_OK);
	require(text.len == again.len && memcmp(text.bytes, again.bytes, text.len) == 0);
	phyr_recording_bytes_fini(&again);
	phyr_recording_bytes_fini(&text);
	phyr_recording_destroy(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phyr_recording_error error = { 0, NULL, -1, 1 };
	struct phyr_recording *recording = empty_recording();
	const char *text = size ? (const char *)data : "";
	int err = phyr_recording_parse(recording, text, size, &error);

	if (err) {
		require(err == PHYR_E_FORMAT || err == PHYR_E_VERSION);
		require(phyr_recording_cnt(recording) == 0);
		require(error.line > 0 && error.reason && error.os_errno == 0);
		require(error.offset == 0);
	} else {
		require(!error.reason);
		check_accepted(recording);
	}
	phyr_recording_destroy(recording);
	return 0;
}
