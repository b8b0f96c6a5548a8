/* SPDX-License-Identifier: MIT */
/** @file @brief What a checker must know, byte by byte: the slow and obvious way. */
#ifndef PHYR_DMA_CHECK_MODEL_H
#define PHYR_DMA_CHECK_MODEL_H

#include "dma_check_world.h"

#define STATE_LEN (3 * K4)

struct byte {
	uint64_t iova, pa;
	unsigned char perm; /* 0: nothing is there */
	bool synced, cpu;
};

/* A mapping or a state, byte by byte. */
struct thing {
	size_t handle;
	uint64_t len; /* 0: none */
	bool is_state;
	struct phyr_dma_map map;
	struct phyr_list list;
	struct phyr_dma_state state;
	struct byte bytes[STATE_LEN];
};

/** How many stretches of it are the CPU's. */
static inline unsigned int model_stretches(const struct thing *thing)
{
	unsigned int cnt = thing->bytes[0].cpu;

	for (uint64_t i = 1; i < thing->len; i++)
		cnt += thing->bytes[i].cpu && !thing->bytes[i - 1].cpu;
	return cnt;
}

/** How many of these are linked, and how many of them with other permissions. */
static inline uint64_t model_linked(const struct thing *thing, uint64_t first, uint64_t len,
				    enum phyr_perm perm, uint64_t *ret_others)
{
	uint64_t cnt = 0;

	*ret_others = 0;
	for (uint64_t i = first; i < first + len; i++) {
		cnt += thing->bytes[i].perm != 0;
		*ret_others += thing->bytes[i].perm && thing->bytes[i].perm != perm;
	}
	return cnt;
}

/** What a device finds there. */
static inline int model_thing(const struct thing *thing, struct phyr_iova_range range,
			      enum phyr_perm perm)
{
	uint64_t at = 0, len = range.len;
	int err = PHYR_OK;

	while (at < thing->len && thing->bytes[at].iova != range.iova.addr)
		at++;
	if (len > thing->len - at)
		return PHYR_E_NOENT;
	for (uint64_t i = 0; i < len; i++) {
		if (thing->bytes[at + i].iova != range.iova.addr + i)
			return PHYR_E_NOENT;
	}
	for (const struct byte *byte = &thing->bytes[at]; !err && byte < &thing->bytes[at + len];
	     byte++) {
		if (!byte->perm)
			err = PHYR_E_NOENT;
		else if ((unsigned int)perm & ~(unsigned int)byte->perm)
			err = PHYR_E_PERM;
		else if (!byte->synced || byte->cpu)
			err = PHYR_E_BUSY;
	}
	return err;
}

/** Is some of this memory the device's? */
static inline bool model_is_devices(const struct thing *thing, struct phyr_range range, bool write)
{
	for (uint64_t i = 0; i < thing->len; i++) {
		const struct byte *byte = &thing->bytes[i];

		if (byte->perm && !byte->cpu && byte->pa - range.pa.addr < range.len &&
		    (write || byte->perm & PHYR_PERM_WRITE))
			return true;
	}
	return false;
}

#endif
