/* SPDX-License-Identifier: MIT */
/*
 * Random links of memory and of two providers, parts unlinked, providers removed and registered again, calls
 * of the backend that fail; next to a model of granules. After each step hardware reaches what the model
 * says, and nothing waits; in the end nothing is left.
 *
 * PHYR_SEED and PHYR_ITER as everywhere.
 */
#include "dma_links.h"

/* Granules of the state; the first begins and the last ends inside. */
#define STATE_CNT 24u
#define LEAD UINT64_C(0x300)
#define STATE_LEN (STATE_CNT * PAGE - LEAD - 0x80)
#define TIES 6

enum what { NOTHING, RAM, PEER, HOLE };

struct cell {
	enum what what;
	uint64_t pa;
	unsigned int tie; /* PEER, HOLE: of which */
};

static struct cell cells[STATE_CNT];
static struct phyr_dma_tie ties[TIES];
static struct phyr_dma_state reserved;
static uint64_t random_state;

static uint64_t below(uint64_t end)
{
	return test_random(&random_state) % end;
}

/* [bytes] from byte 0 to a granule */
static uint64_t offset_of(unsigned int granule)
{
	uint64_t offset = granule ? granule * PAGE - LEAD : 0;

	return offset < STATE_LEN ? offset : STATE_LEN;
}

static uint64_t len_of(unsigned int first, unsigned int cnt)
{
	return offset_of(first + cnt) - offset_of(first);
}

static bool is_free(unsigned int first, unsigned int cnt)
{
	for (unsigned int i = first; i < first + cnt; i++) {
		if (cells[i].what != NOTHING)
			return false;
	}
	return true;
}

static bool is_of(unsigned int granule, unsigned int tie)
{
	return cells[granule].what == PEER && cells[granule].tie == tie;
}

static void note_linked(unsigned int first, unsigned int cnt, struct cell cell)
{
	for (unsigned int i = 0; i < cnt; i++) {
		cells[first + i] = cell;
		cells[first + i].pa = (cell.pa & ~(PAGE - 1)) + i * PAGE;
	}
}

/* Peers' links are tied; a tie goes on where it ends, or is of nothing. */
static void link_some(struct world *w)
{
	unsigned int first = (unsigned int)below(STATE_CNT), tie = (unsigned int)below(TIES);
	unsigned int cnt = 1 + (unsigned int)below(STATE_CNT - first < 4 ? STATE_CNT - first : 4);
	bool peer = below(2);
	uint64_t pa = (peer ? BRIDGE_BAR : HIGH) + below(8) * PAGE + (first ? 0 : LEAD);
	struct phyr_range run = { { pa }, len_of(first, cnt) };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	struct cell cell = { RAM, pa, tie };
	bool fits = !ties[tie].dma || (first && is_of(first - 1, tie) && !is_of(first, tie));
	int want = is_free(first, cnt) ? PHYR_OK : PHYR_E_EXISTS;

	if (peer) {
		piece.tag.kind = PHYR_KIND_P2P;
		piece.tie = &ties[tie];
		cell.what = PEER;
		want = fits ? want : PHYR_E_INVAL;
	}
	w->fail_err = PHYR_E_NOMEM;
	w->fail_at = below(8) ? UINT64_MAX : w->call_cnt;
	if (want == PHYR_OK && w->fail_at != UINT64_MAX)
		want = PHYR_E_NOMEM;
	if (want == PHYR_E_EXISTS)
		w->fail_at = UINT64_MAX;
	assert_int_equal(phyr_dma_link(w->dma, &reserved, offset_of(first), &piece), want);
	w->fail_at = UINT64_MAX;
	if (want == PHYR_OK) {
		note_linked(first, cnt, cell);
		assert_int_equal(phyr_dma_sync(w->dma, &reserved, offset_of(first), run.len),
				 PHYR_OK);
	}
}

/* Would an end of a part cut a tie? */
static bool cuts(unsigned int at)
{
	return at && at < STATE_CNT && cells[at].what >= PEER && cells[at - 1].what >= PEER &&
	       cells[at].tie == cells[at - 1].tie;
}

/* What an unlink stops at: the first stretch, between holes, that is not all linked. */
static unsigned int stop_of(unsigned int first, unsigned int end)
{
	unsigned int stretch = first;
	bool linked = true;

	for (unsigned int i = first; i < end; i++) {
		if (cells[i].what == HOLE && !linked)
			return stretch;
		if (cells[i].what == HOLE)
			stretch = i + 1;
		linked = linked && cells[i].what != NOTHING;
	}
	return linked ? end : stretch;
}

/* What is unlinked before the last hole in front of the stop is a part of the hole behind it. */
static void note_stopped(unsigned int first, unsigned int stop)
{
	for (unsigned int i = stop; i > first; i--) {
		if (cells[i - 1].what == HOLE)
			continue;
		assert_true(i < STATE_CNT && cells[i].what == HOLE);
		cells[i - 1] = cells[i];
	}
}

static void unlink_some(struct world *w)
{
	unsigned int first = (unsigned int)below(STATE_CNT);
	unsigned int cnt = 1 + (unsigned int)below(STATE_CNT - first), end = first + cnt;
	unsigned int stop = stop_of(first, end);
	int err = unlink_at(w, &reserved, offset_of(first), len_of(first, cnt));

	if (cuts(first) || cuts(end)) {
		assert_int_equal(err, PHYR_E_PARTIAL);
	} else if (stop < end) {
		assert_int_equal(err, PHYR_E_NOENT);
		note_stopped(first, stop);
	} else {
		assert_int_equal(err, PHYR_OK);
		memset(&cells[first], 0, cnt * sizeof(*cells));
	}
}

static void remove_provider(struct world *w)
{
	struct phyr_p2p_bar bar;

	assert_int_equal(phyr_p2p_bar(w->p2p, w->providers[2], &bar), PHYR_OK);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
	assert_int_equal(phyr_p2p_register(w->p2p, &bar, &w->providers[2]), PHYR_OK);
	for (unsigned int i = 0; i < STATE_CNT; i++) {
		if (cells[i].what != PEER)
			continue;
		assert_true(ties[cells[i].tie].removed);
		cells[i].what = HOLE;
	}
}

static void check_cells(struct world *w)
{
	uint64_t first = (phyr_dma_state_reserved(w->dma, &reserved).iova.addr - BASE) / PAGE;
	uint64_t len = 0;

	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	for (unsigned int i = 0; i < STATE_CNT; i++) {
		const struct granule *granule = &w->granules[first + i];
		bool linked = cells[i].what == RAM || cells[i].what == PEER;

		assert_int_equal(granule->state, linked ? GRANULE_MAPPED : GRANULE_FREE);
		if (linked)
			assert_int_equal(granule->pa, cells[i].pa);
		len += linked ? len_of(i, 1) : 0;
	}
	assert_int_equal(stats_of(w).mapped_len, len);
}

/* All that is linked and all holes go; what is neither is between them. */
static void end_state(struct world *w)
{
	for (unsigned int i = 0; i < STATE_CNT; i++) {
		unsigned int cnt = 1;

		while (i + cnt < STATE_CNT && cuts(i + cnt))
			cnt++;
		if (cells[i].what != NOTHING)
			assert_int_equal(unlink_at(w, &reserved, offset_of(i), len_of(i, cnt)),
					 PHYR_OK);
		i += cnt - 1;
	}
	assert_int_equal(phyr_dma_free(w->dma, &reserved), PHYR_OK);
	for (size_t i = 0; i < TIES; i++)
		assert_true(!ties[i].dma && !ties[i].user.provider);
	memset(cells, 0, sizeof(cells));
}

static void states_are_as_their_links_say(void **state)
{
	uint64_t iter = test_number("PHYR_ITER", 20000);
	struct world *w = world_of(12);

	(void)state;
	random_state = test_number("PHYR_SEED", 1);
	make_dma(w);
	reserved = reserve(w, LEAD, STATE_LEN);
	for (uint64_t i = 0; i < iter; i++) {
		switch (below(8)) {
		case 0:
			remove_provider(w);
			break;
		case 1:
		case 2:
		case 3:
			unlink_some(w);
			break;
		default:
			link_some(w);
		}
		check_cells(w);
		if (below(64) == 0) {
			end_state(w);
			reserved = reserve(w, LEAD, STATE_LEN);
		}
	}
	end_state(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(states_are_as_their_links_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
