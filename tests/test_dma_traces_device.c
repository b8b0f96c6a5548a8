/* SPDX-License-Identifier: MIT */
/*
 * What the device side saw while a real kernel mapped for it: the descriptors that were executed are
 * those that the replay sends, every translation is one that the replay's mappings give between the
 * same two flushes, and a cache that these flushes empty tells which translations had to be walked.
 *
 * The view has no times, so flushes are what it shares with the traces. It begins with the boot, of
 * which there is no trace: its first flushes are nobody's.
 *
 * Counts of the whole view: 13 flushes of the domain, 9841 translations, 3454 of them walked.
 */
#include "dma_replay.h"

#define VIEW "hw_0__qemu_vtd_hw_view"
#define IOTLB_CNT 1024 /* of that hardware; one more, and all of it goes */

/* A page that was mapped, and the flushes before it, and before the one that took it away. */
struct mapped {
	uint64_t iova, pa;
	uint64_t first, last; /* flushes of the view */
	bool unmapped;
};

/* The part of the view that a trace is of. */
struct part {
	const char *name;
	uint64_t flush_cnt; /* of the view before its first */
};

static const struct part parts[] = {
	{ "hw_0__hw1_rr4k_qd4", 2 },
	{ "hw_0__hw2_mixed_qd16", 11 },
};

static struct {
	struct kernel_text text;
	struct dma_replay replay;
	struct mapped mapped[8192];
	size_t mapped_cnt;
	uint64_t flush_cnt; /* where the replay, or the reading, is */
	bool cached[DMA_PAGE_CNT];
	size_t cached_cnt;
	uint64_t waits_owed;
	/* Counted. */
	uint64_t iotlb_cnt, wait_cnt, other_cnt, domain_cnt, reset_cnt;
	uint64_t hit_cnt, fill_cnt, translation_cnt, matched_cnt;
} w;

static void note_map(const struct dma_replay *r, const struct dma_op *op)
{
	uint64_t iova = dma_pages(op->range).iova.addr;

	for (size_t i = 0; i < op->run_cnt; i++) {
		const struct phyr_range *run = &r->trace.runs[op->run_first + i];

		for (uint64_t at = 0; at < run->len; at += PHYR_PAGE_SIZE, iova += PHYR_PAGE_SIZE) {
			struct mapped page = { iova, run->pa.addr + at, w.flush_cnt, UINT64_MAX,
					       false };

			assert_true(w.mapped_cnt < CNT(w.mapped));
			w.mapped[w.mapped_cnt++] = page;
		}
	}
}

static void note_unmap(const struct dma_op *op)
{
	for (size_t i = 0; i < w.mapped_cnt; i++) {
		struct mapped *page = &w.mapped[i];

		if (page->unmapped || page->iova < op->range.iova.addr ||
		    page->iova > dma_last(op->range))
			continue;
		page->unmapped = true;
		page->last = w.flush_cnt;
	}
}

static void watch(struct dma_replay *r, const struct dma_op *op)
{
	if (op->what == DMA_MAP)
		note_map(r, op);
	else if (op->what == DMA_UNMAP)
		note_unmap(op);
	else
		w.flush_cnt++;
}

static void replay_part(const struct part *part)
{
	const struct dma_plan plan = { .name = part->name, .way = DMA_LINK, .lazy = true };

	w.flush_cnt = part->flush_cnt;
	dma_replay_begin(&w.replay, &plan);
	w.replay.watch = watch;
	dma_replay_run(&w.replay);
	dma_replay_end(&w.replay);
}

static bool begins(const char *line, const char *words)
{
	return strncmp(line, words, strlen(words)) == 0;
}

static uint64_t number(const char *line, const char *words)
{
	const char *at = strstr(line, words);

	assert_non_null(at);
	return strtoull(at + strlen(words), NULL, 0);
}

/* Each descriptor is waited for before the next. */
static void read_descriptor(const char *line)
{
	bool wait = strstr(line, " type wait ") != NULL;

	assert_int_equal(w.waits_owed, wait);
	w.waits_owed = !wait;
	w.wait_cnt += wait;
	if (strstr(line, " type iotlb "))
		w.iotlb_cnt++;
	else if (!wait)
		w.other_cnt++;
}

static void drop_cached(void)
{
	memset(w.cached, 0, sizeof(w.cached));
	w.cached_cnt = 0;
}

/* A page that a replay mapped at all leads where a mapping of this time led. */
static void read_translation(const char *line)
{
	uint64_t iova = number(line, " iova "), pa = number(line, " gpa ");
	bool known = false, right = false;

	for (size_t i = 0; i < w.mapped_cnt; i++) {
		const struct mapped *page = &w.mapped[i];

		if (page->iova != iova)
			continue;
		known |= w.flush_cnt >= parts[0].flush_cnt;
		right |= page->pa == pa && page->first <= w.flush_cnt && w.flush_cnt <= page->last;
	}
	assert_true(!known || right);
	w.translation_cnt++;
	w.matched_cnt += known;
}

static void read_hit(const char *line)
{
	assert_true(w.cached[number(line, " iova ") >> PHYR_PAGE_LG2]);
	w.hit_cnt++;
}

/* The line of a reset comes behind that of the page for which there was no room. */
static void read_fill(const char *line, const char *next)
{
	uint64_t page = number(line, " iova ") >> PHYR_PAGE_LG2;
	bool reset = begins(next, "vtd_iotlb_reset");

	assert_false(w.cached[page]);
	assert_int_equal(reset, w.cached_cnt == IOTLB_CNT);
	if (reset)
		drop_cached();
	w.cached[page] = true;
	w.cached_cnt++;
	w.reset_cnt += reset;
	w.fill_cnt++;
}

static void read_line(const char *line, const char *next)
{
	if (begins(line, "vtd_inv_desc "))
		read_descriptor(line);
	else if (begins(line, "vtd_dmar_translate "))
		read_translation(line);
	else if (begins(line, "vtd_iotlb_page_hit "))
		read_hit(line);
	else if (begins(line, "vtd_iotlb_page_update "))
		read_fill(line, next);
	else if (begins(line, "vtd_inv_desc_iotlb_"))
		drop_cached();
	if (begins(line, "vtd_inv_desc_iotlb_domain ")) {
		w.flush_cnt++;
		w.domain_cnt++;
	}
}

static void the_device_saw_what_the_replay_does(void **state)
{
	char *line, *next;

	(void)state;
	for (size_t i = 0; i < CNT(parts); i++)
		replay_part(&parts[i]);
	w.text = kernel_read(kernel_cut() ? "dma/" VIEW : VIEW);
	w.flush_cnt = 0;
	for (line = w.text.at; *line; line = next) {
		next = strchr(line, '\n');
		*next++ = 0;
		read_line(line, next);
	}
	kernel_drop(&w.text);
	assert_int_equal(w.wait_cnt, w.iotlb_cnt + w.other_cnt);
	assert_int_equal(w.iotlb_cnt, w.domain_cnt + 1); /* one for everything, at the start */
	kernel_count("flushes of the domain", w.domain_cnt, 5);
	kernel_count("other descriptors", w.other_cnt, 40);
	kernel_count("walked", w.fill_cnt, 161);
	kernel_count("cached", w.hit_cnt, 18);
	kernel_count("all translations at once dropped", w.reset_cnt, 0);
	kernel_count("translations", w.translation_cnt, 179);
	kernel_count("of pages that were replayed", w.matched_cnt, 145);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_saw_what_the_replay_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
