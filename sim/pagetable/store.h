/* SPDX-License-Identifier: MIT */
/*
 * The two ways in which an item of a table is written: by software, and by hardware that marks it.
 *
 * A test build sees every store before it happens, and can so replay any prefix of them: what
 * hardware may observe while a table is being changed.
 */
#ifndef PHYRSIM_PAGETABLE_STORE_H
#define PHYRSIM_PAGETABLE_STORE_H

#include "pair.h"

#ifndef PHYRSIM_RECORD_STORES
#define PHYRSIM_RECORD_STORES 0
#endif

#if PHYRSIM_RECORD_STORES
/* The recorder's: an item at a physical address is about to get a value. */
void phyrsim_pagetable_record(phyr_pa item, uint64_t value);
#endif

/* An item of the table at pa is about to get a value. */
static inline void phyrsim_tell_store(phyr_pa pa, size_t index, uint64_t value)
{
#if PHYRSIM_RECORD_STORES
	phyrsim_pagetable_record(phyr_pa_at(pa.addr + index * sizeof(value)), value);
#else
	(void)pa;
	(void)index;
	(void)value;
#endif
}

/* Writes one item of the table at pa, whose items the host sees at `items`. */
static inline void phyrsim_store(phyr_pa pa, uint64_t *items, size_t index, uint64_t value)
{
	phyrsim_tell_store(pa, index, value);
	items[index] = value;
}

/* Writes two neighbouring items, which hardware may see one by one. */
static inline void phyrsim_store_pair(phyr_pa pa, uint64_t *items, size_t index,
				      phyrsim_pair values)
{
	phyrsim_tell_store(pa, index, values[0]);
	phyrsim_tell_store(pa, index + 1, values[1]);
	*(phyrsim_pair_at *)&items[index] = values;
}

/* Writes one item that hardware may be marking. Returns what it was until then. */
static inline uint64_t phyrsim_swap(phyr_pa pa, uint64_t *items, size_t index, uint64_t value)
{
	phyrsim_tell_store(pa, index, value);
	return __atomic_exchange_n(&items[index], value, __ATOMIC_ACQ_REL);
}

/*
 * Changes one item in one step, as hardware does, from what was read of it. False: it is something
 * else by now, which is read instead.
 */
static inline bool phyrsim_exchange(phyr_pa pa, uint64_t *items, size_t index, uint64_t *item,
				    uint64_t value)
{
	if (value == *item)
		return true;
	phyrsim_tell_store(pa, index, value);
	return __atomic_compare_exchange_n(&items[index], item, value, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

#endif
