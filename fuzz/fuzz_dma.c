/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is mapped, linked, synced and taken away, and whenever memory or the backend
 * fails: what is mapped has the list's bytes, an address is mapped only after its flush, and in the
 * end nothing is left.
 *
 * The first byte makes the handle; an operation is a byte, and what it takes:
 *
 *	bits 2:0  which, in the order of operate()
 *	bits 4:3  of which mapping
 *	bits 7:5  memory or the backend fails after so many calls less one; 0: never
 *
 * Not here: what the device writes (tests/prop_dma.c).
 */
#include "dma_input.h"

#define MAP_CNT 4
#define OP_MAX 64 /* longer inputs show nothing else */

struct mapping {
	struct phyr_list list;
	struct phyr_dma_map map;
	bool far; /* has memory that is not there */
};

struct machine {
	struct world w;
	struct input in;
	struct mapping mappings[MAP_CNT];
	struct phyr_dma_state state;
	uint64_t linked_len;
};

/* The byte that the device reads; without an IOMMU addresses are physical. */
static unsigned char device_reads(const struct world *w, uint64_t iova)
{
	uint64_t i = (iova - BASE) / PAGE;

	if (iova < MEMORY)
		return w->bytes[iova];
	require(iova >= BASE && i < GRANULES && w->states[i] == GRANULE_MAPPED);
	return w->bytes[w->pa[i] + iova % PAGE];
}

static void require_reached(const struct world *w, const struct mapping *m)
{
	struct phyr_iova_range seen = { { 0 }, 0 };
	struct phyr_list_cursor list;
	struct phyr_dma_cursor dma;
	struct phyr_run run;

	phyr_dma_begin(&m->map, &dma);
	phyr_list_begin(&m->list, &list);
	while (phyr_list_next(&list, &run)) {
		for (uint64_t i = 0; i < run.range.len; i++) {
			if (seen.len == 0)
				require(phyr_dma_next(&dma, &seen) && seen.len);
			require(device_reads(w, seen.iova.addr) == w->bytes[run.range.pa.addr + i]);
			seen.iova.addr++;
			seen.len--;
		}
	}
	require(seen.len == 0 && !phyr_dma_next(&dma, &seen));
}

/* Runs of 24 bits: kind, address, length in pages or bytes; now and then any length, far away. */
static struct phyr_range take_run(struct machine *x, struct mapping *m, struct phyr_tag *tag)
{
	uint64_t bits = take(&x->in, 3);
	struct phyr_range range = { { 0 }, 1 + (bits >> 19) % 8 };
	uint64_t first, end;

	*tag = (struct phyr_tag){ (enum phyr_kind)(bits % PHYR_KIND_CNT), 0 };
	first = tag->kind == PHYR_KIND_P2P ? BAR - PAGE : 0;
	end = tag->kind == PHYR_KIND_P2P ? MEMORY : POOL;
	if (bits >> 19 == 31) {
		m->far = true;
		range = (struct phyr_range){ { UINT64_C(1) << 40 }, take(&x->in, 8) };
		return range;
	}
	range.pa.addr = first + (bits >> 3) % (end - first);
	if (bits & 4) {
		range.pa.addr &= ~(PAGE - 1);
		range.len *= PAGE;
	}
	if (range.len > end - range.pa.addr)
		range.len = end - range.pa.addr;
	return range;
}

static void make_list(struct machine *x, struct mapping *m, unsigned int how)
{
	phyr_list_truncate(&m->list, 0);
	m->far = false;
	for (unsigned int i = 0; i <= (how & 3); i++) {
		struct phyr_tag tag;
		struct phyr_range range = take_run(x, m, &tag);

		(void)!phyr_list_append(&m->list, range, tag);
	}
}

static void map(struct machine *x, struct mapping *m, bool linear)
{
	unsigned int how = (unsigned int)take(&x->in, 1);
	struct phyr_dma_linear want = { &m->list, PHYR_PERM_READ, NULL, how >> 2 & 1 };
	int err;

	if (m->map.form != PHYR_DMA_NONE)
		return;
	make_list(x, m, how);
	err = linear ? phyr_dma_map_linear(x->w.dma, &want, &m->map, NULL) :
		       phyr_dma_map(x->w.dma, &m->list, want.perm, NULL, &m->map);
	if (!err && !m->far)
		require_reached(&x->w, m);
}

static void unmap(struct machine *x, struct mapping *m)
{
	int err = phyr_dma_unmap(x->w.dma, &m->map);

	require(err == PHYR_OK || err == PHYR_E_NOENT);
	require(m->map.form == PHYR_DMA_NONE);
}

static void sync(struct machine *x, const struct mapping *m)
{
	uint64_t offset = take(&x->in, 3), len = take(&x->in, 3);

	(void)!phyr_dma_sync_for_cpu(x->w.dma, &m->map, offset, len);
	(void)!phyr_dma_sync_for_device(x->w.dma, &m->map, offset, len);
}

static void reserve(struct machine *x)
{
	struct phyr_dma_want want = { .len = take(&x->in, 2), .phase = take(&x->in, 2) };

	want.cover_lg2 = (uint8_t)take(&x->in, 1);
	want.phase_lg2 = want.cover_lg2 >> 4;
	if (phyr_dma_state_len(&x->state) == 0 && !phyr_dma_reserve(x->w.dma, &want, &x->state))
		require(phyr_dma_state_len(&x->state) == want.len);
}

/* Behind what is linked; the offset may also be anything. */
static void link_more(struct machine *x)
{
	struct phyr_range run = { { take(&x->in, 2) }, take(&x->in, 2) };
	struct phyr_dma_piece piece = {
		&run, 1, { PHYR_KIND_SYSTEM, 0 }, PHYR_PERM_READ, NULL, NULL
	};
	uint64_t offset = x->linked_len;

	if (phyr_dma_link(x->w.dma, &x->state, offset, &piece))
		return;
	require(phyr_dma_sync(x->w.dma, &x->state, offset, run.len) == PHYR_OK);
	for (uint64_t i = 0; i < run.len; i++)
		require(device_reads(&x->w, x->state.addr + offset + i) ==
			x->w.bytes[run.pa.addr + i]);
	x->linked_len += run.len;
}

static void unlink_or_destroy(struct machine *x)
{
	struct phyr_dma_part part = { take(&x->in, 2), 0, PHYR_PERM_READ };

	part.len = x->linked_len - part.offset;
	if (part.offset && part.offset < x->linked_len) {
		if (!phyr_dma_unlink(x->w.dma, &x->state, &part))
			x->linked_len = part.offset;
		return;
	}
	if (phyr_dma_state_len(&x->state))
		require(phyr_dma_destroy_state(x->w.dma, &x->state, x->linked_len,
					       PHYR_PERM_READ) == PHYR_OK);
	x->linked_len = 0;
}

static void operate(struct machine *x)
{
	unsigned int op = (unsigned int)take(&x->in, 1);
	struct mapping *m = &x->mappings[op >> 3 & 3];

	x->w.grant_cnt = op >> 5 ? op >> 5 : SIZE_MAX;
	x->w.call_cnt = op >> 5 ? op >> 5 : SIZE_MAX;
	switch (op & 7) {
	case 0:
	case 1:
		map(x, m, op & 1);
		break;
	case 2:
		unmap(x, m);
		break;
	case 3:
		sync(x, m);
		break;
	case 4:
		reserve(x);
		break;
	case 5:
		link_more(x);
		break;
	case 6:
		unlink_or_destroy(x);
		break;
	default:
		x->w.grant_cnt = SIZE_MAX;
		require(phyr_p2p_remove(x->w.p2p, x->w.provider) == PHYR_OK);
		add_bar(&x->w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine x;

	memset(&x, 0, sizeof(x));
	x.in = (struct input){ data, data + size };
	world_open(&x.w, (unsigned int)take(&x.in, 1));
	for (int i = 0; i < MAP_CNT; i++)
		phyr_list_init(&x.mappings[i].list, &x.w.mem);
	for (int i = 0; i < OP_MAX && x.in.next < x.in.end; i++)
		operate(&x);
	x.w.grant_cnt = 0;
	for (int i = 0; i < MAP_CNT; i++) {
		unmap(&x, &x.mappings[i]);
		phyr_list_fini(&x.mappings[i].list);
	}
	if (phyr_dma_state_len(&x.state))
		require(phyr_dma_destroy_state(x.w.dma, &x.state, x.linked_len, PHYR_PERM_READ) ==
			PHYR_OK);
	world_close(&x.w);
	return 0;
}
