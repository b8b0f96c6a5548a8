/* SPDX-License-Identifier: MIT */
/*
 * Accessed and dirty marks, as a template behind ops.h: a format also defines sets of bits.
 *
 *	FORMAT_ACCESSED		set in leaves that were accessed
 *	FORMAT_POINTER_ACCESSED	set in pointers that were used
 *	FORMAT_MARKABLE		set in leaves that hardware may mark as dirty; 0: in all
 *	FORMAT_DIRTY		set in leaves that are dirty
 *	FORMAT_CLEAN		set in leaves that are not
 *
 * One of the last two is 0: dirty is told by a bit, or by a permission that may be there or not.
 */
#include "store.h"
#include "table.h"

static inline bool format_dirty(uint64_t item)
{
	return (item & FORMAT_MARKABLE) == FORMAT_MARKABLE &&
	       (item & FORMAT_DIRTY) == FORMAT_DIRTY && (item & FORMAT_CLEAN) == 0;
}

/* What two items of a leaf say together: it is marked when one of them is. */
static inline uint64_t join_marks(uint64_t a, uint64_t b)
{
	return (a & b) | ((a | b) & ~(uint64_t)FORMAT_CLEAN);
}

/* The item of a leaf once it was accessed. */
static inline uint64_t marked(uint64_t item, bool write)
{
	item |= FORMAT_ACCESSED;
	if (write && (item & FORMAT_MARKABLE) == FORMAT_MARKABLE)
		item = (item | FORMAT_DIRTY) & ~(uint64_t)FORMAT_CLEAN;
	return item;
}

/* The item of a dirty leaf once that was read. */
static inline uint64_t cleaned(uint64_t item)
{
	return (item & ~(uint64_t)FORMAT_DIRTY) | FORMAT_CLEAN;
}

static void format_clean(struct phyrsim_pagetable *table, const struct phyrsim_leaf *leaf)
{
	struct phyrsim_node *node = phyrsim_lowest(table, leaf->iova.addr);
	size_t i = phyrsim_index(node, leaf->iova.addr);
	size_t end = i + ((size_t)1 << (leaf->lg2 - node->item_lg2));

	for (; i < end; i++) {
		uint64_t item = __atomic_load_n(&node->items[i], __ATOMIC_RELAXED);

		/* Hardware may mark it as accessed meanwhile. */
		while (format_dirty(item) &&
		       !phyrsim_exchange(node->pa, node->items, i, &item, cleaned(item)))
			;
	}
}

/* Hardware marks pointers on its way down; the order makes no difference here. */
static void mark_pointers(struct phyrsim_node *node)
{
	for (; node->parent; node = node->parent) {
		struct phyrsim_node *parent = node->parent;
		unsigned int i = phyrsim_index(parent, node->span.first);
		uint64_t item = __atomic_load_n(&parent->items[i], __ATOMIC_RELAXED);

		while (!phyrsim_exchange(parent->pa, parent->items, i, &item,
					 item | FORMAT_POINTER_ACCESSED))
			;
	}
}

static int format_mark(struct phyrsim_pagetable *table, uint64_t at, bool write)
{
	enum phyr_perm needed = write ? PHYR_PERM_WRITE : PHYR_PERM_READ;
	struct phyrsim_leaf leaf = { 0 };
	struct phyrsim_node *node;
	unsigned int i;
	uint64_t item;

	if (at > table->top->span.last)
		return PHYR_E_NOENT;
	node = phyrsim_lowest(table, at);
	i = phyrsim_index(node, at);
	if (!phyrsim_live_any(node, (struct phyrsim_items){ i, i }))
		return PHYR_E_NOENT;
	item = __atomic_load_n(&node->items[i], __ATOMIC_RELAXED);
	format_read(table, item, format_leaf_lg2(table, item, node->level), &leaf);
	if (!(leaf.perm & needed))
		return PHYR_E_FAULT;
	mark_pointers(node);
	while (!phyrsim_exchange(node->pa, node->items, i, &item, marked(item, write)))
		;
	return PHYR_OK;
}
