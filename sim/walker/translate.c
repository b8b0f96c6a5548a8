/* SPDX-License-Identifier: MIT */
/*
 * The walk: from the top table down to a leaf, one stage under another if there are two.
 *
 * Every step goes at least one level down, so tables may form loops and a walk still ends. A step of
 * the first stage of two begins with a whole walk of the second, for the address of the slot.
 *
 * Hardware marks an entry as accessed when it uses it, and a leaf as dirty when it is written. Where
 * a table of the first stage lies is itself a leaf of the second stage: it is marked once, when
 * the slot in it has been read and it is known whether the slot will be written.
 *
 * Not here: what the bits of an entry mean (one file a format); arguments (walk.c); caches of any kind.
 */
#include "format.h"

/* A slot, what it says, and what all of the path down to it allows. */
struct spot {
	uint64_t *word;
	struct phyrsim_entry entry;
	unsigned int rights;
};

/* A leaf of a stage, and the leaf of the stage below that the leaf's own table lies in. */
struct found {
	struct spot spot;
	struct spot under; /* with two stages */
	uint64_t address;  /* where the byte is */
};

/* The rights of whoever does the access. */
static unsigned int rights_of(const struct phyrsim_stage *stage, const struct spot *spot)
{
	if ((stage->flags & PHYRSIM_WALK_PRIVILEGED) != 0)
		return spot->rights >> RIGHTS_PRIVILEGED_LG2;
	return spot->rights & RIGHTS_USER;
}

/* An access needs its permission in every entry on the path, so they are combined at the leaf. */
static enum phyrsim_fault check_rights(const struct phyrsim_stage *stage, const struct spot *spot,
				       unsigned int access)
{
	unsigned int missing = access & ~rights_of(stage, spot);

	if (missing == 0)
		return PHYRSIM_FAULT_NONE;
	/* Execution, or what the privileged might do. */
	if ((missing & RIGHT_EXECUTE) != 0 ||
	    (access & ~(spot->rights >> RIGHTS_PRIVILEGED_LG2)) == 0)
		return PHYRSIM_FAULT_PRIVILEGE;
	return (missing & RIGHT_READ) != 0 ? PHYRSIM_FAULT_READ : PHYRSIM_FAULT_WRITE;
}

/* Some formats want bits set that hardware may not set itself. */
static enum phyrsim_fault check_marks(const struct phyrsim_stage *stage, const struct spot *spot,
				      unsigned int access)
{
	uint64_t marks = spot->entry.accessed;

	if ((access & RIGHT_WRITE) != 0)
		marks |= spot->entry.dirty_set;
	if (!phyrsim_walker_marks(stage) && (marks & spot->entry.required) != 0)
		return PHYRSIM_FAULT_ACCESSED;
	return PHYRSIM_FAULT_NONE;
}

static uint64_t marked(const struct spot *spot, bool write)
{
	uint64_t word = *spot->word | spot->entry.accessed;

	return write ? (word | spot->entry.dirty_set) & ~spot->entry.dirty_clear : word;
}

static void store_marks(const struct phyrsim_stage *stage, struct spot *spot, bool write)
{
	uint64_t word = marked(spot, write);

	if ((stage->flags & PHYRSIM_WALK_UPDATE) == 0 || word == *spot->word)
		return;
	*spot->word = word;
	stage->walk->update_cnt++;
	if (write && (spot->entry.dirty_set | spot->entry.dirty_clear) != 0)
		spot->entry.dirty = true;
}

/* Marks an entry as used; the memory it lies in was read by that, or written if a mark is new. */
static enum phyrsim_fault use(const struct phyrsim_stage *stage, struct found *found, bool write)
{
	enum phyrsim_fault fault;
	bool stores;

	if (!phyrsim_walker_marks(stage))
		return PHYRSIM_FAULT_NONE;
	stores = marked(&found->spot, write) != *found->spot.word;
	if (stage->second) {
		fault = stores ? check_rights(stage->second, &found->under, RIGHT_WRITE) :
				 PHYRSIM_FAULT_NONE;
		store_marks(stage->second, &found->under, stores && fault == PHYRSIM_FAULT_NONE);
		if (fault != PHYRSIM_FAULT_NONE) {
			stage->walk->second = true;
			return fault;
		}
	}
	store_marks(stage, &found->spot, write);
	return PHYRSIM_FAULT_NONE;
}

/* Do all items of the group agree that a leaf belongs to? Hardware reads one, and trusts it. */
static enum phyrsim_fault check_group(const struct phyrsim_stage *stage, struct spot *spot,
				      unsigned int level, uint64_t index)
{
	unsigned int item_lg2 = phyrsim_walker_lg2(stage->root, level);
	uint64_t mask = phyr_bits_mask(spot->entry.lg2 - item_lg2);
	const uint64_t *group = spot->word - (index & mask);
	uint64_t base = spot->entry.address - (spot->entry.own ? (index & mask) << item_lg2 : 0);

	if (!phyr_bits_aligned(base, spot->entry.lg2))
		return PHYRSIM_FAULT_GROUP;
	for (uint64_t i = 0; i <= mask; i++) {
		uint64_t address = base + (spot->entry.own ? i << item_lg2 : 0);
		struct phyrsim_entry other = { 0 };

		if (((group[i] ^ *spot->word) & spot->entry.same) != 0)
			return PHYRSIM_FAULT_GROUP;
		if (stage->format->decode(stage, group[i], level, &other) != PHYRSIM_FAULT_NONE ||
		    other.address != address)
			return PHYRSIM_FAULT_GROUP;
		spot->entry.dirty |= other.dirty;
	}
	return PHYRSIM_FAULT_NONE;
}

static enum phyrsim_fault find(const struct phyrsim_stage *stage, uint64_t address,
			       unsigned int access, struct found *found);

/* A slot of a table of the first of two stages, whose address is one of the second stage. */
static enum phyrsim_fault locate(const struct phyrsim_stage *stage, uint64_t *address,
				 struct found *found)
{
	struct found under;
	enum phyrsim_fault fault = find(stage->second, *address, RIGHT_READ, &under);

	stage->walk->second = fault != PHYRSIM_FAULT_NONE;
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	found->under = under.spot;
	*address = under.address;
	return PHYRSIM_FAULT_NONE;
}

/* Reads and understands the entry of a table for an address. */
static enum phyrsim_fault read_entry(const struct phyrsim_stage *stage, uint64_t table,
				     uint64_t address, unsigned int level, struct found *found)
{
	uint64_t index = address >> phyrsim_walker_lg2(stage->root, level) &
			 phyr_bits_mask(phyrsim_walker_index_bits(stage->root, level));
	uint64_t slot = table + index * sizeof(uint64_t);
	struct phyrsim_walk *walk = stage->walk;
	struct spot *spot = &found->spot;
	enum phyrsim_fault fault = PHYRSIM_FAULT_NONE;
	uint64_t *frame;

	if (stage->second)
		fault = locate(stage, &slot, found);
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	walk->level = level;
	frame = phyrsim_mem_frame(stage->mem, phyr_pa_at(slot));
	if (!frame)
		return PHYRSIM_FAULT_MEMORY;
	spot->word = frame + (slot & phyr_bits_mask(PHYR_PAGE_LG2)) / sizeof(*frame);
	spot->entry = (struct phyrsim_entry){ 0 };
	walk->entry = *spot->word;
	walk->entry_pa = phyr_pa_at(slot);
	walk->read_cnt++;
	fault = stage->format->decode(stage, *spot->word, level, &spot->entry);
	if ((stage->flags & PHYRSIM_WALK_AUDIT) != 0 && fault == PHYRSIM_FAULT_NONE &&
	    spot->entry.leaf)
		fault = check_group(stage, spot, level, index);
	/* Useless as it is, it was read. */
	if (fault != PHYRSIM_FAULT_NONE && stage->second)
		store_marks(stage->second, &found->under, false);
	return fault;
}

/* Does a pointer that skips levels lead to a table for this address? Their index must be zero. */
static bool skips_nothing(const struct phyrsim_root *root, uint64_t address, unsigned int level,
			  unsigned int below)
{
	uint64_t skipped = phyr_bits_mask(phyrsim_walker_lg2(root, level)) &
			   ~phyr_bits_mask(phyrsim_walker_lg2(root, below + 1));

	return (address & skipped) == 0;
}

/* Keeps a pointer that is followed, for who wants to know the way. */
static void keep_pointer(const struct phyrsim_stage *stage, uint64_t address, unsigned int level,
			 const struct phyrsim_entry *entry)
{
	struct phyrsim_path *path = stage->path;
	struct phyrsim_pointer *pointer;

	if (!path)
		return;
	pointer = &path->pointers[path->pointer_cnt++];
	pointer->lg2 = phyrsim_walker_lg2(stage->root, level);
	pointer->first = phyr_iova_at(phyr_bits_down(address, pointer->lg2));
	pointer->level = entry->level;
	pointer->table = phyr_pa_at(entry->address);
}

/* From the top down to a leaf. */
static enum phyrsim_fault descend(const struct phyrsim_stage *stage, uint64_t address,
				  struct found *found)
{
	unsigned int level = stage->root->level_cnt - 1;
	uint64_t table = stage->root->table.addr;
	unsigned int rights = RIGHTS_ALL;

	for (;;) {
		const struct phyrsim_entry *entry = &found->spot.entry;
		enum phyrsim_fault fault = read_entry(stage, table, address, level, found);

		if (fault != PHYRSIM_FAULT_NONE)
			return fault;
		rights &= entry->rights;
		if (entry->leaf) {
			found->spot.rights = rights;
			return PHYRSIM_FAULT_NONE;
		}
		fault = use(stage, found, false);
		if (fault != PHYRSIM_FAULT_NONE)
			return fault;
		if (!skips_nothing(stage->root, address, level, entry->level))
			return PHYRSIM_FAULT_WIDTH;
		keep_pointer(stage, address, level, entry);
		table = entry->address;
		level = entry->level;
	}
}

/* An item that names its own memory leads there, whatever the rest of its group says. */
static uint64_t leads_to(const struct phyrsim_stage *stage, const struct phyrsim_entry *entry,
			 uint64_t address)
{
	unsigned int item_lg2 = phyrsim_walker_lg2(stage->root, stage->walk->level);

	return entry->address | (address & phyr_bits_mask(entry->own ? item_lg2 : entry->lg2));
}

/*
 * The leaf for an access, which may be made; marking the leaf is left to the caller. After a fault
 * that leaves rights, the rest of the spot and what is under it are there as well.
 */
static enum phyrsim_fault find(const struct phyrsim_stage *stage, uint64_t address,
			       unsigned int access, struct found *found)
{
	const struct phyrsim_entry *entry = &found->spot.entry;
	enum phyrsim_fault fault;

	found->spot.rights = 0;
	stage->walk->level = stage->root->level_cnt - 1;
	if (!stage->format->reaches(stage->root, address))
		return PHYRSIM_FAULT_WIDTH;
	fault = descend(stage, address, found);
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	found->address = leads_to(stage, entry, address);
	fault = check_rights(stage, &found->spot, access);
	return fault != PHYRSIM_FAULT_NONE ? fault : check_marks(stage, &found->spot, access);
}

/* One stage, or the first of two: the leaf is found and marked, and what it says reported. */
static enum phyrsim_fault translate(const struct phyrsim_stage *stage, uint64_t address,
				    unsigned int access, uint64_t *ret_address)
{
	struct phyrsim_walk *walk = stage->walk;
	struct found found;
	enum phyrsim_fault fault = find(stage, address, access, &found);

	walk->perm &= (enum phyr_perm)rights_of(stage, &found.spot);
	if (fault == PHYRSIM_FAULT_NONE)
		fault = use(stage, &found, (access & RIGHT_WRITE) != 0);
	else if (stage->second && found.spot.rights != 0)
		store_marks(stage->second, &found.under, false);
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	walk->attrs |= found.spot.entry.attrs;
	walk->dirty = found.spot.entry.dirty;
	if (found.spot.entry.lg2 < walk->leaf_lg2)
		walk->leaf_lg2 = found.spot.entry.lg2;
	*ret_address = found.address;
	return PHYRSIM_FAULT_NONE;
}

enum phyrsim_fault phyrsim_walker_translate(const struct phyrsim_stage *stage, uint64_t address,
					    unsigned int access)
{
	enum phyrsim_fault fault = translate(stage, address, access, &address);

	if (fault == PHYRSIM_FAULT_NONE && stage->second) {
		fault = translate(stage->second, address, access, &address);
		stage->walk->second = fault != PHYRSIM_FAULT_NONE;
	}
	if (fault == PHYRSIM_FAULT_NONE)
		stage->walk->pa = phyr_pa_at(address);
	else
		stage->walk->leaf_lg2 = 0;
	return fault;
}

/* The last address before the next one that the tables may know. */
static uint64_t unknown_last(const struct phyrsim_stage *stage, uint64_t address)
{
	/* Above a hole are the addresses that begin with ones: with the sign, and without. */
	for (unsigned int bits = stage->root->iova_bits; bits + 1 >= stage->root->iova_bits;
	     bits--) {
		uint64_t upper = bits < 64 ? ~phyr_bits_mask(bits) : 0;

		if (upper > address && stage->format->reaches(stage->root, upper))
			return upper - 1;
	}
	return UINT64_MAX;
}

enum phyrsim_fault phyrsim_walker_follow(const struct phyrsim_stage *stage, uint64_t address)
{
	struct phyrsim_path *path = stage->path;
	struct found found;
	enum phyrsim_fault fault = find(stage, address, 0, &found);
	unsigned int lg2 = phyrsim_walker_lg2(stage->root, stage->walk->level);

	path->level = stage->walk->level;
	path->first = phyr_iova_at(phyr_bits_down(address, lg2));
	path->last = phyr_iova_at(address | phyr_bits_mask(lg2));
	if (!stage->format->reaches(stage->root, address))
		path->last = phyr_iova_at(unknown_last(stage, address));
	if (fault != PHYRSIM_FAULT_NONE)
		return fault;
	path->pa = phyr_pa_at(leads_to(stage, &found.spot.entry, path->first.addr));
	path->leaf_lg2 = found.spot.entry.lg2;
	path->perm = (enum phyr_perm)(found.spot.rights & (RIGHT_READ | RIGHT_WRITE));
	path->privileged = (enum phyr_perm)(found.spot.rights >> RIGHTS_PRIVILEGED_LG2 &
					    (RIGHT_READ | RIGHT_WRITE));
	path->attrs = found.spot.entry.attrs;
	return PHYRSIM_FAULT_NONE;
}
