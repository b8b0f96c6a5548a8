/* SPDX-License-Identifier: MIT */
/*
 * Random uses, right and wrong, of two devices with an IOMMU each and two without, all watched by one
 * checker, next to a model that knows of each byte where it is, who may do what, and whose it is: every
 * complaint that is due comes, with its code, and no other.
 *
 * Not here: what is lost for want of memory (oom_dma_check.c), more stretches than are remembered
 * (test_dma_check_owner.c).
 */
#include <stdio.h>

#include "dma_check_model.h"

#define HANDLES 4
#define THINGS 6
#define PAGES 16
#define MEMORY UINT64_C(0x40000000)
#define NONE (-1)

struct run {
	struct world *w;
	struct phyr_dma *dma[HANDLES];
	struct thing things[THINGS];
	struct phyr_dma_map stale[HANDLES]; /* copies of what has ended */
	uint64_t random;
	uint64_t told_cnt;
	uint64_t due_cnt[PHYR_DMA_MISTAKE_CNT];
	uint64_t right_cnt;
};

static uint64_t upto(struct run *r, uint64_t cnt)
{
	return test_random(&r->random) % cnt;
}

static enum phyr_perm any_perm(struct run *r)
{
	static const enum phyr_perm perms[] = { RO, PHYR_PERM_WRITE, RW, RW };

	return perms[upto(r, CNT(perms))];
}

/* A call answered; was told what was due, and nothing else? */
static void judge(struct run *r, int err, int due_err, int mistake)
{
	assert_int_equal(err, due_err);
	r->told_cnt += mistake != NONE;
	assert_int_equal(r->w->told_cnt, r->told_cnt);
	if (mistake == NONE) {
		r->right_cnt++;
		return;
	}
	assert_int_equal(r->w->last.mistake, mistake);
	r->due_cnt[mistake]++;
}

static struct thing *find(struct run *r, bool live, bool is_state)
{
	size_t first = (size_t)upto(r, THINGS);

	for (size_t i = 0; i < THINGS; i++) {
		struct thing *thing = &r->things[(first + i) % THINGS];

		if ((thing->len != 0) == live && (!live || thing->is_state == is_state))
			return thing;
	}
	return NULL;
}

/* Mappings. */

/* Each run in a page of its own, whole or in pieces. */
static void make_list(struct run *r, struct thing *thing)
{
	uint64_t page = upto(r, PAGES), cnt = 1 + upto(r, 3);

	phyr_list_init(&thing->list, &r->w->host.mem);
	for (uint64_t i = 0; i < cnt; i++) {
		uint64_t pa = MEMORY + (page + i * (1 + 2 * upto(r, 2))) % PAGES * K4;
		struct phyr_range range = { { pa }, K4 };

		if (upto(r, 2)) {
			range.pa.addr += upto(r, 3000);
			range.len = 1 + upto(r, 1000);
		}
		for (uint64_t j = 0; j < thing->len; j++) {
			if (thing->bytes[j].pa / K4 == pa / K4)
				return; /* a page is in it but once */
		}
		assert_int_equal(phyr_list_append(&thing->list, range,
						  (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }),
				 PHYR_OK);
		for (uint64_t j = 0; j < range.len; j++)
			thing->bytes[thing->len++] = (struct byte){ .pa = range.pa.addr + j };
	}
}

static void map_some(struct run *r)
{
	struct thing *thing = find(r, false, false);
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range range;
	enum phyr_perm perm = any_perm(r);
	uint64_t at = 0;

	if (!thing)
		return;
	thing->is_state = false;
	thing->handle = (size_t)upto(r, HANDLES);
	make_list(r, thing);
	judge(r, phyr_dma_map(r->dma[thing->handle], &thing->list, perm, NULL, &thing->map),
	      PHYR_OK, NONE);
	phyr_dma_begin(&thing->map, &cursor);
	while (phyr_dma_next(&cursor, &range)) {
		for (uint64_t i = 0; i < range.len; i++, at++) {
			thing->bytes[at].iova = range.iova.addr + i;
			thing->bytes[at].perm = (unsigned char)perm;
			thing->bytes[at].synced = true;
		}
	}
	assert_int_equal(at, thing->len);
}

static void unmap_right(struct run *r, struct thing *thing)
{
	r->stale[thing->handle] = thing->map;
	judge(r, phyr_dma_unmap(r->dma[thing->handle], &thing->map), PHYR_OK, NONE);
	phyr_list_fini(&thing->list);
	thing->len = 0;
}

static void unmap_wrong(struct run *r, struct thing *thing)
{
	size_t handle = thing->handle;
	struct phyr_dma_map copy = thing->map;

	switch (upto(r, 4)) {
	case 0:
		judge(r, phyr_dma_unmap(r->dma[(handle + 1) % HANDLES], &copy), PHYR_E_NOENT,
		      MISTAKE(UNKNOWN));
		break;
	case 1:
		copy.perm = copy.perm == RW ? RO : RW;
		judge(r, phyr_dma_unmap(r->dma[handle], &copy), PHYR_E_INVAL, MISTAKE(CHANGED));
		break;
	case 2:
		copy.range.len++;
		judge(r, phyr_dma_unmap(r->dma[handle], &copy), PHYR_E_INVAL, MISTAKE(CHANGED));
		break;
	default:
		copy = r->stale[handle];
		judge(r, phyr_dma_unmap(r->dma[handle], &copy), PHYR_E_NOENT,
		      copy.form == PHYR_DMA_NONE ? NONE : (int)MISTAKE(UNKNOWN));
	}
}

static bool is_state_at(const struct run *r, size_t handle, uint64_t addr)
{
	for (size_t i = 0; i < THINGS; i++) {
		const struct thing *thing = &r->things[i];

		if (thing->len && thing->is_state && thing->handle == handle &&
		    thing->state.addr == addr)
			return true;
	}
	return false;
}

/* A part of a mapping as if it were a state. */
static void unlink_mapped(struct run *r, struct thing *thing)
{
	struct phyr_dma_state fake = { thing->map.reserved.iova.addr, K4 };
	struct phyr_dma_part part = { 0, K4, RW };

	if (thing->map.reserved.len)
		judge(r, phyr_dma_unlink(r->dma[thing->handle], &fake, &part), PHYR_E_PARTIAL,
		      MISTAKE(PART));
}

static void sync_owner(struct run *r, struct thing *thing, bool all)
{
	uint64_t first = all ? 0 : upto(r, thing->len);
	uint64_t len = all ? thing->len : 1 + upto(r, thing->len - first);
	bool to_cpu = !all && upto(r, 2);
	struct phyr_dma *dma = r->dma[thing->handle];

	if (!all && len > 200)
		len = 1 + len % 200;
	judge(r,
	      to_cpu ? phyr_dma_sync_for_cpu(dma, &thing->map, first, len) :
		       phyr_dma_sync_for_device(dma, &thing->map, first, len),
	      PHYR_OK, NONE);
	for (uint64_t i = first; i < first + len; i++)
		thing->bytes[i].cpu = to_cpu;
	if (model_stretches(thing) > 30)
		sync_owner(r, thing, true);
}

static void use_mapping(struct run *r)
{
	struct thing *thing = find(r, true, false);

	if (!thing)
		return;
	switch (upto(r, 8)) {
	case 0:
		unmap_right(r, thing);
		break;
	case 1:
		unmap_wrong(r, thing);
		break;
	case 2:
		unlink_mapped(r, thing);
		break;
	default:
		sync_owner(r, thing, upto(r, 20) == 0);
	}
}

/* States, of whole granules. */

static void reserve_some(struct run *r)
{
	struct phyr_dma_want want = { .len = STATE_LEN };
	struct thing *thing = find(r, false, true);

	if (!thing)
		return;
	thing->is_state = true;
	thing->handle = (size_t)upto(r, 2);
	judge(r, phyr_dma_reserve(r->dma[thing->handle], &want, &thing->state), PHYR_OK, NONE);
	thing->len = STATE_LEN;
	for (uint64_t i = 0; i < STATE_LEN; i++)
		thing->bytes[i] = (struct byte){ .iova = thing->state.addr + i };
}

static void link_some(struct run *r, struct thing *thing)
{
	uint64_t at = upto(r, 3) * K4, len = at == 2 * K4 ? K4 : (1 + upto(r, 2)) * K4;
	uint64_t first = upto(r, PAGES), second = upto(r, PAGES);
	struct phyr_range runs[2] = { { { MEMORY + first * K4 }, K4 },
				      { { MEMORY + second * K4 }, K4 } };
	struct phyr_dma_piece piece = {
		runs, (size_t)(len / K4), { PHYR_KIND_SYSTEM, 0 }, any_perm(r), NULL, NULL
	};
	uint64_t others;
	bool busy = model_linked(thing, at, len, 0, &others) != 0;

	judge(r, phyr_dma_link(r->dma[thing->handle], &thing->state, at, &piece),
	      busy ? PHYR_E_EXISTS : PHYR_OK, NONE);
	for (uint64_t i = 0; !busy && i < len; i++) {
		thing->bytes[at + i].pa = runs[i / K4].pa.addr + i % K4;
		thing->bytes[at + i].perm = (unsigned char)piece.perm;
		thing->bytes[at + i].synced = false;
	}
}

static void sync_some(struct run *r, struct thing *thing)
{
	uint64_t at = upto(r, 3) * K4;
	int err = phyr_dma_sync(r->dma[thing->handle], &thing->state, at, K4);

	judge(r, err, PHYR_OK, NONE);
	for (uint64_t i = at; i < at + K4; i++)
		thing->bytes[i].synced = thing->bytes[i].perm != 0;
}

static void unlink_some(struct run *r, struct thing *thing)
{
	uint64_t at = upto(r, 3) * K4, len = at == 2 * K4 ? K4 : (1 + upto(r, 2)) * K4, others;
	struct phyr_dma_part part = { at, len, any_perm(r) };
	uint64_t linked = model_linked(thing, at, part.len, part.perm, &others);
	int due = linked == part.len ? PHYR_OK : PHYR_E_NOENT;
	int err = phyr_dma_unlink(r->dma[thing->handle], &thing->state, &part);

	if (others)
		judge(r, err, PHYR_E_INVAL, MISTAKE(DIRECTION));
	else
		judge(r, err, due, NONE);
	for (uint64_t i = at; !err && i < at + part.len; i++)
		thing->bytes[i].perm = 0;
}

static void end_state(struct run *r, struct thing *thing, uint64_t linked_len, enum phyr_perm perm)
{
	uint64_t others, more, linked;
	int err = phyr_dma_destroy_state(r->dma[thing->handle], &thing->state, linked_len, perm);

	more = model_linked(thing, linked_len, STATE_LEN - linked_len, perm, &others);
	linked = model_linked(thing, 0, linked_len, perm, &others);
	if (more)
		judge(r, err, PHYR_E_BUSY, MISTAKE(LINKED));
	else if (others)
		judge(r, err, PHYR_E_INVAL, MISTAKE(DIRECTION));
	else
		judge(r, err, linked == linked_len ? PHYR_OK : PHYR_E_NOENT, NONE);
	if (!err)
		thing->len = 0;
}

/* Granule by granule, and then as a whole. */
static void end_right(struct run *r, struct thing *thing)
{
	struct phyr_dma_part part = { 0, K4, RW };

	for (; part.offset < STATE_LEN; part.offset += K4) {
		part.perm = thing->bytes[part.offset].perm;
		if (part.perm)
			judge(r, phyr_dma_unlink(r->dma[thing->handle], &thing->state, &part),
			      PHYR_OK, NONE);
	}
	judge(r, phyr_dma_free(r->dma[thing->handle], &thing->state), PHYR_OK, NONE);
	thing->len = 0;
}

static void end_wrong(struct run *r, struct thing *thing)
{
	size_t handle = 1 - thing->handle;
	struct phyr_dma_state copy = thing->state;

	if (is_state_at(r, handle, copy.addr))
		return;
	judge(r, phyr_dma_free(r->dma[handle], &copy), PHYR_E_NOENT, MISTAKE(UNKNOWN));
	copy.size -= K4;
	judge(r, phyr_dma_free(r->dma[thing->handle], &copy), PHYR_E_INVAL, MISTAKE(CHANGED));
}

static void use_state(struct run *r)
{
	struct thing *thing = find(r, true, true);

	if (!thing)
		return;
	switch (upto(r, 10)) {
	case 0:
		end_state(r, thing, upto(r, 4) * K4, any_perm(r));
		break;
	case 1:
		end_wrong(r, thing);
		break;
	case 5:
		end_right(r, thing);
		break;
	case 2:
	case 3:
		unlink_some(r, thing);
		break;
	case 4:
		sync_some(r, thing);
		break;
	default:
		link_some(r, thing);
	}
}

/* Questions. */

/* Whether one lets it in, and else whether each has nothing there. */
static void ask_device(struct run *r)
{
	struct thing *thing = &r->things[upto(r, THINGS)];
	uint64_t at = thing->len ? upto(r, thing->len) : 0;
	struct phyr_iova_range range = { { thing->bytes[at].iova }, 1 + upto(r, 2 * K4) };
	size_t handle = upto(r, 4) ? thing->handle : (size_t)upto(r, HANDLES);
	enum phyr_perm perm = any_perm(r);
	bool in = false, there = false;
	int err, due;

	if (upto(r, 3))
		range.len = 1 + range.len % 100;
	for (size_t i = 0; i < THINGS; i++) {
		if (r->things[i].len == 0 || r->things[i].handle != handle)
			continue;
		due = model_thing(&r->things[i], range, perm);
		in = in || due == PHYR_OK;
		there = there || due != PHYR_E_NOENT;
	}
	err = phyr_dma_check_device(r->dma[handle], range, perm);
	assert_int_equal(err == PHYR_E_NOENT, !there);
	assert_int_equal(err == PHYR_OK, in);
	judge(r, err, err, in ? NONE : (int)MISTAKE(DEVICE));
}

static void ask_cpu(struct run *r)
{
	uint64_t pa = MEMORY + upto(r, PAGES * K4);
	struct phyr_range range = { { pa }, 1 + upto(r, K4) };
	bool write = upto(r, 2), busy = false;

	if (upto(r, 3))
		range.len = 1 + range.len % 100;
	for (size_t i = 0; i < THINGS; i++)
		busy = busy || model_is_devices(&r->things[i], range, write);
	judge(r, phyr_dma_check_cpu(r->w->checker, range, write), busy ? PHYR_E_BUSY : PHYR_OK,
	      busy ? (int)MISTAKE(CPU) : NONE);
}

static void step(struct run *r)
{
	static void (*const steps[])(struct run *) = { map_some,     use_mapping, use_mapping,
						       reserve_some, use_state,	  use_state,
						       ask_device,   ask_device,  ask_cpu };

	steps[upto(r, CNT(steps))](r);
}

static void end_all(struct run *r)
{
	for (size_t i = 0; i < THINGS; i++) {
		if (r->things[i].len && r->things[i].is_state)
			end_right(r, &r->things[i]);
		else if (r->things[i].len)
			unmap_right(r, &r->things[i]);
	}
}

static void each_due_complaint_comes_and_no_other(void **state)
{
	static struct run run;
	struct behind nothing = { NULL, NULL };
	struct run *r = &run;
	uint64_t iter = test_number("PHYR_ITER", 20000), seed = test_number("PHYR_SEED", 1);

	(void)state;
	print_message("PHYR_SEED=%llu\n", (unsigned long long)seed);
	memset(r, 0, sizeof(*r));
	r->w = make(true);
	r->random = seed | 1;
	r->dma[0] = r->w->dma;
	r->dma[1] = r->w->other;
	r->dma[2] = make_handle(r->w, &nothing);
	r->dma[3] = make_handle(r->w, &nothing);
	for (uint64_t i = 0; i < iter; i++)
		step(r);
	end_all(r);
	phyr_dma_destroy(r->dma[2]);
	phyr_dma_destroy(r->dma[3]);
	for (int i = 0; i < PHYR_DMA_MISTAKE_CNT; i++) {
		expect(r->w, (enum phyr_dma_mistake)i, r->due_cnt[i]);
		if (i != MISTAKE(LEAKED) && i != MISTAKE(LIST))
			assert_true(iter < 5000 || r->due_cnt[i] > 0);
	}
	assert_true(r->right_cnt > iter / 3);
	end_world(r->w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_due_complaint_comes_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
