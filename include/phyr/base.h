/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Status codes, allocator hooks, and the address and range values.
 *
 * Physical addresses and I/O addresses are different C types, so that neither the compiler nor a
 * reader can take one for the other. Ranges travel as one value, never as two loose integers.
 *
 * Not here: arithmetic on addresses (bits.h), anything that allocates.
 */
#ifndef PHYR_BASE_H
#define PHYR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <phyr/version.h>

#if defined(_WIN32)
/** Marks what a shared library exports. */
#define PHYR_API
#else
/** Marks what a shared library exports; everything else is hidden. */
#define PHYR_API __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
/** The result must be looked at. */
#define PHYR_NODISCARD __attribute__((warn_unused_result))
#else
/** The result must be looked at. */
#define PHYR_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Size of a page, the unit of every order and page number. [bytes] */
#define PHYR_PAGE_SIZE UINT64_C(4096)
/** log2 of #PHYR_PAGE_SIZE. */
#define PHYR_PAGE_LG2 12

/**
 * @brief Every result code of the library; 0 is success, the values are pinned for ever.
 *
 * Grouped in tens by cause. docs/errors.md maps kernel errnos to them.
 */
enum phyr_err {
	/** Done. */
	PHYR_OK = 0,

	/* The call is wrong. */

	/** An argument is missing, zero where it may not be, or not one of the allowed values. */
	PHYR_E_INVAL = -1,
	/** A range wraps around or lies beyond an address width. */
	PHYR_E_RANGE = -2,
	/** An address or length is not a multiple of what it must be. */
	PHYR_E_ALIGN = -3,

	/* Out of something, or impossible here. */

	/** The allocator hook returned NULL. */
	PHYR_E_NOMEM = -10,
	/** No free range of I/O addresses or slots fits; freeing some may help. */
	PHYR_E_NOSPACE = -11,
	/** Can never be met, whatever is free: a device limit, a boundary, an aperture. */
	PHYR_E_LIMIT = -12,
	/** This kind of memory cannot be treated so (bounced, linearised, cached). */
	PHYR_E_KIND = -13,
	/** The device cannot reach this peer. */
	PHYR_E_UNREACHABLE = -14,
	/** Not offered by this backend, platform or build. */
	PHYR_E_UNSUPPORTED = -15,

	/* State. */

	/** Already mapped, reserved or registered. */
	PHYR_E_EXISTS = -20,
	/** Not mapped, not allocated, not there. */
	PHYR_E_NOENT = -21,
	/** Still in use. */
	PHYR_E_BUSY = -22,
	/** Would split something that is whole: a large leaf, a live range. */
	PHYR_E_PARTIAL = -23,

	/* Data from outside. */

	/** Malformed; the position is in the call's error structure. */
	PHYR_E_FORMAT = -30,
	/** Well formed, but of a version that this build does not know. */
	PHYR_E_VERSION = -31,

	/* The world. */

	/** The operating system refused; the errno is in the call's error structure. */
	PHYR_E_IO = -40,
	/** A translation fault, as the result of a translation. */
	PHYR_E_FAULT = -41,
	/** The operating system does not allow it to this process: hides frame numbers, forbids pins. */
	PHYR_E_PERM = -42,
};

/**
 * @brief The sentence that belongs to a code, without a full stop.
 *
 * @param[in] err one of enum phyr_err.
 * @return a constant string; "unknown code" for any other value, never NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API const char *phyr_strerror(int err);

/**
 * @brief The name of a code as it is written in C, "PHYR_E_NOMEM".
 *
 * @param[in] err one of enum phyr_err.
 * @return a constant string; "PHYR_E_?" for any other value, never NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API const char *phyr_errname(int err);

/**
 * @brief The version of the library that is linked, "MAJOR.MINOR.PATCH".
 *
 * @return a constant string; compare with PHYR_VERSION_… of the headers
 * @complexity O(1)
 * @threads any
 */
PHYR_API const char *phyr_version(void);

/** A physical address as the CPU sees it. [bytes] Any 64-bit value may be passed. */
typedef struct phyr_pa {
	uint64_t addr; /**< [bytes, 0 … 2^64 − 1] */
} phyr_pa;

/** An I/O (DMA) address: what a device puts on the bus. [bytes] Any 64-bit value may be passed. */
typedef struct phyr_iova {
	uint64_t addr; /**< [bytes, 0 … 2^64 − 1] */
} phyr_iova;

/** A physical range; the "phyr" of the first mails, and Linux's struct phys_vec. */
struct phyr_range {
	phyr_pa pa;   /**< first byte */
	uint64_t len; /**< [bytes] pa + len ≤ 2^64 */
};

/** A range of I/O addresses. */
struct phyr_iova_range {
	phyr_iova iova; /**< first byte */
	uint64_t len;	/**< [bytes] iova + len ≤ 2^64 */
};

/** The I/O addresses that may be used, both ends included, so that the top byte can be named. */
struct phyr_window {
	phyr_iova first; /**< lowest usable byte */
	phyr_iova last;	 /**< highest usable byte, ≥ first */
};

/** A set of sizes: bit n is set when blocks of 2^n bytes are supported. */
typedef struct phyr_sizes {
	uint64_t mask; /**< [bit n = 2^n bytes] 0 is the empty set */
} phyr_sizes;

/** What memory is; decides how it may be mapped. Values are pinned (they stand in files). */
enum phyr_kind {
	PHYR_KIND_SYSTEM = 0,	 /**< ordinary RAM: cacheable, may be bounced */
	PHYR_KIND_P2P = 1,	 /**< a peer device's BAR: MMIO, never cacheable, never bounced */
	PHYR_KIND_ENCRYPTED = 2, /**< RAM that devices cannot read as it stands */
};
/** How many kinds there are; kinds are 0 … PHYR_KIND_CNT − 1. */
#define PHYR_KIND_CNT 3

/** What memory is and whose it is; memory of different tags never joins into one run. */
struct phyr_tag {
	enum phyr_kind kind; /**< 0 for ordinary RAM */
	uint32_t provider;   /**< [id] which BAR or other provider; 0 for none */
};

/**
 * @brief Are two tags the same?
 *
 * @param[in] a one tag
 * @param[in] b another
 * @return true when kind and provider are equal
 * @complexity O(1)
 * @threads any
 */
static inline bool phyr_tag_equal(struct phyr_tag a, struct phyr_tag b)
{
	return a.kind == b.kind && a.provider == b.provider;
}

/** What a device may do with a mapping; a set of bits. */
enum phyr_perm {
	PHYR_PERM_READ = 1,	  /**< the device reads memory (DMA_TO_DEVICE) */
	PHYR_PERM_WRITE = 2,	  /**< the device writes memory (DMA_FROM_DEVICE) */
	PHYR_PERM_READ_WRITE = 3, /**< both (DMA_BIDIRECTIONAL) */
};

/** Which of the places that satisfy a placement is taken. */
enum phyr_fit {
	/** A place near the top: found in constant time, the highest one where nothing is aligned. */
	PHYR_FIT_TOP_DOWN = 0,
	/** A place near the bottom, likewise. */
	PHYR_FIT_BOTTOM_UP = 1,
	/** A place in a tight hole, so that large holes stay large. */
	PHYR_FIT_PACKED = 2,
	/** The lowest place, after a look at every hole below it that is long enough. */
	PHYR_FIT_FIRST_UP = 3,
};

/**
 * @brief Where, in I/O address space, a reservation has to lie.
 *
 * The address a satisfies window.first ≤ a, a + len − 1 ≤ window.last and a ≡ phase (mod
 * 2^phase_lg2); plain alignment is phase 0. All-zero is not a usable placement (its window is the
 * single byte 0): start from phyr_placement_any().
 */
struct phyr_placement {
	struct phyr_window window; /**< usable addresses, both ends included */
	uint64_t phase;		   /**< [bytes] < 2^phase_lg2, a multiple of the granule */
	uint8_t phase_lg2;	   /**< [log2 bytes, 0 … 63] modulus of the phase; 0 = anywhere */
	uint8_t boundary_lg2; /**< [log2 bytes, 0 … 63] must not cross a multiple; 0 = none */
	enum phyr_fit fit;    /**< which place of several */
};

/**
 * @brief The placement that asks for nothing: any granule-aligned address, from the top.
 *
 * @return a placement to start from
 * @complexity O(1)
 * @threads any
 */
static inline struct phyr_placement phyr_placement_any(void)
{
	struct phyr_placement any = { { { 0 }, { UINT64_MAX } }, 0, 0, 0, PHYR_FIT_TOP_DOWN };

	return any;
}

/**
 * @brief A physical address from a number.
 *
 * @param[in] addr [bytes] any value
 * @return the address as a value of its own type
 * @complexity O(1)
 * @threads any
 */
static inline phyr_pa phyr_pa_at(uint64_t addr)
{
	phyr_pa pa = { addr };

	return pa;
}

/**
 * @brief An I/O address from a number.
 *
 * @param[in] addr [bytes] any value
 * @return the address as a value of its own type
 * @complexity O(1)
 * @threads any
 */
static inline phyr_iova phyr_iova_at(uint64_t addr)
{
	phyr_iova iova = { addr };

	return iova;
}

/**
 * @brief Where memory comes from; one table per object, never global.
 *
 * Owned by the caller and const; it must outlive every object created with it. The hooks may be
 * called from any thread that calls into the object.
 */
struct phyr_mem {
	/** size > 0 bytes aligned for any C type, or NULL. */
	void *(*alloc)(void *ctx, size_t size);
	/** Gives back what alloc returned for the same size; ptr is never NULL; cannot fail. */
	void (*free)(void *ctx, void *ptr, size_t size);
	/** Passed to both, may be NULL. */
	void *ctx;
};

#ifdef __cplusplus
}
#endif

#endif
