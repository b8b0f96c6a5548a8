/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Looking at page tables: the path of one address, all leaves as text, all frames as bytes.
 *
 * Everything here reads simulated memory from a root down, as the hardware walker does (walker.h),
 * and asks nobody who wrote the tables: it works on what phyrsim_pagetable wrote, on images of
 * other programs, and on tables that are spoiled. docs/table-dump.md specifies both forms that leave
 * the process.
 *
 * Not here: what the writer of a table knows of it (pagetable.h); two stages at once.
 */
#ifndef PHYRSIM_DUMP_H
#define PHYRSIM_DUMP_H

#include <phyr/base.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>
#include <phyrsim/walker.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most levels of a table, and so most steps of a path. */
#define PHYRSIM_DUMP_STEP_MAX 6

/** One table on the path of an address. */
struct phyrsim_dump_step {
	unsigned int level; /**< 0 = table of smallest leaves */
	unsigned int index; /**< of the item */
	phyr_pa table;	    /**< its first byte */
	phyr_pa entry_pa;   /**< where the item is */
	bool read;	    /**< false: there is no memory, which only the last step can say */
	uint64_t entry;	    /**< the item; 0 when there is no memory */
};

/** The path of an address: what is read from the top down, and where it ends. */
struct phyrsim_dump_walk {
	struct phyrsim_walk walk;			       /**< what phyrsim_walk() finds */
	unsigned int step_cnt;				       /**< 0: the address is too wide */
	struct phyrsim_dump_step steps[PHYRSIM_DUMP_STEP_MAX]; /**< from the top down */
};

/** Where dumped bytes go, in order. */
struct phyrsim_dump_sink {
	/** Takes some bytes; anything but PHYR_OK ends the dump, which answers it. Required. */
	int (*write)(void *ctx, const void *bytes, size_t len);
	/** Passed to it, may be NULL. */
	void *ctx;
};

/** What a text says beyond the leaves; a set of bits. */
enum phyrsim_dump_flag {
	PHYRSIM_DUMP_TABLES = 1, /**< every table and every item of it that is not zero */
};

/** Where and why an image was refused. */
struct phyrsim_dump_error {
	uint64_t offset;    /**< [bytes] of what is wrong, from the image's first */
	const char *reason; /**< a constant sentence without full stop */
};

/**
 * @brief The path of one address, entry by entry, and what the walk finds.
 *
 * @param[in]  mem      where the tables are; not written
 * @param[in]  root     what hardware was told
 * @param[in]  access   as for phyrsim_walk(), without PHYRSIM_WALK_UPDATE
 * @param[out] ret_path written on PHYR_OK and PHYR_E_FAULT
 * @return PHYR_OK
 * @return PHYR_E_INVAL as phyrsim_walk(); PHYRSIM_WALK_UPDATE is set
 * @return PHYR_E_FAULT no translation: ret_path->walk.fault says why
 * @complexity O(levels), O(group) with PHYRSIM_WALK_AUDIT
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyrsim_dump_path(struct phyrsim_mem *mem,
					      const struct phyrsim_root *root,
					      const struct phyrsim_access *access,
					      struct phyrsim_dump_walk *ret_path);

/**
 * @brief Explains the walk of one address: every field of every entry by name, and how it ends.
 *
 * Text for people, about a line a field, which ends with the translation, or with the fault and its
 * cause. Later versions may say more.
 *
 * @param[in]     mem    where the tables are, spoiled or not; not written
 * @param[in]     root   what hardware was told
 * @param[in]     access as for phyrsim_dump_path()
 * @param[in,out] sink   gets the text
 * @return PHYR_OK      a fault is an answer, too
 * @return PHYR_E_INVAL as phyrsim_dump_path(); nothing was written
 * @return what the sink answers
 * @complexity O(fields)
 * @threads any number of readers
 * @source the documents that walker.h names, for the names of fields
 */
PHYR_API PHYR_NODISCARD int phyrsim_dump_explain(struct phyrsim_mem *mem,
						 const struct phyrsim_root *root,
						 const struct phyrsim_access *access,
						 const struct phyrsim_dump_sink *sink);

/**
 * @brief Writes what a table translates as text: the root, then runs of leaves, in the order of I/O
 *        addresses.
 *
 * A leaf that hardware would fault on has a line of its own. Equal tables at equal addresses are
 * equal bytes.
 *
 * @param[in]     mem   where the tables are; not written
 * @param[in]     root  what hardware was told
 * @param[in]     flags of enum phyrsim_dump_flag
 * @param[in,out] sink  gets the text
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, a flag unknown, or root as for phyrsim_walk(); nothing
 *                      was written
 * @return PHYR_E_LIMIT tables are reached more often than mem has frames: they form no tree; the
 *                      text ends there
 * @return what the sink answers
 * @complexity O(items of all tables × levels)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyrsim_dump_text(struct phyrsim_mem *mem,
					      const struct phyrsim_root *root, unsigned int flags,
					      const struct phyrsim_dump_sink *sink);

/**
 * @brief Writes an image: the root, and all frames of all tables that a walk can reach.
 *
 * @param[in]     host memory for a list of the frames, freed again
 * @param[in]     mem  where the tables are; not written
 * @param[in]     root what hardware was told
 * @param[in,out] sink gets the bytes, little-endian
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or root as for phyrsim_walk(); nothing was written
 * @return PHYR_E_LIMIT as phyrsim_dump_text(); nothing was written
 * @return PHYR_E_NOMEM nothing was written
 * @return PHYR_E_NOENT the root is at an address where there is no memory; nothing was written
 * @return what the sink answers
 * @complexity O(items of all tables × levels + frames × log frames)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyrsim_dump_image(const struct phyr_mem *host, struct phyrsim_mem *mem,
					       const struct phyrsim_root *root,
					       const struct phyrsim_dump_sink *sink);

/**
 * @brief Puts an image into a new memory, for the walker to walk.
 *
 * What is in the frames is not looked at: walking, explaining and dumping stand any content.
 *
 * @param[in]  host      host memory for frames; must outlive the simulated memory
 * @param[in]  bytes     the image, at any alignment
 * @param[in]  len       [bytes] all of it
 * @param[out] ret_mem   the caller destroys it; it has the image's frames and never another; written
 *                       only on PHYR_OK
 * @param[out] ret_root  one that phyrsim_walk() takes; written only on PHYR_OK
 * @param[out] ret_error where and why; written on PHYR_E_FORMAT and PHYR_E_VERSION; NULL when it is
 *                       not wanted
 * @return PHYR_OK
 * @return PHYR_E_INVAL   host, bytes, ret_mem or ret_root is NULL
 * @return PHYR_E_FORMAT  not an image, cut short, or not as the specification has it
 * @return PHYR_E_VERSION an image of a later version
 * @return PHYR_E_NOMEM   nothing is left allocated
 * @complexity O(len)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_dump_load(const struct phyr_mem *host, const void *bytes,
					      size_t len, struct phyrsim_mem **ret_mem,
					      struct phyrsim_root *ret_root,
					      struct phyrsim_dump_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
