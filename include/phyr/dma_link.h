/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Mapping in two steps: reserve I/O addresses once, link memory into them piece by piece.
 *
 *	reserve → link, link, … → sync → the device works → unlink, … → free
 *	                                                  └→ destroy
 *
 * For those who meet their pieces one by one, or map and unmap parts of a large range: the address
 * of every byte is known before any memory is, and nothing is kept for a piece. The state is 16
 * bytes, embedded by the caller; no call here allocates host memory.
 *
 * **The contract.** Offsets count from byte 0, whose physical address is known modulo the granule
 * when the range is reserved. Only the piece at offset 0 may start, and only the last may end,
 * inside a granule. Links may come in any order. A device may use what was linked after a sync over
 * it. What was linked is unlinked before the range is freed; destroy does both.
 *
 * Links, parts of links, and several links may be unlinked at once, as long as no leaf of the page
 * table is cut: *partial* otherwise, nothing changed.
 *
 * **Peers.** A link of a peer's memory comes with a *tie*, which ends it with its provider: when that is
 * removed, the link is unlinked and invalidated before the registry goes on, and the tie says so. Its
 * place in the state is a hole then, which unlink and destroy pass over. A state with ties is always
 * unlinked strictly, and no tie is cut. Who keeps books of its own has a user instead, and a revoke of
 * its own; all of it is unlinked and invalidated before such a user is detached, so not left to a ring.
 */
#ifndef PHYR_DMA_LINK_H
#define PHYR_DMA_LINK_H

#include <phyr/base.h>
#include <phyr/dma.h>
#include <phyr/p2p.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief A reserved range; the caller embeds it, all-zero is none. All members are private.
 *
 * May be moved. Invariant: size's bits 56:0 are the length, 62:57 the log2 of what both ends are
 * rounded out to, 63 says that some of it was bounced or tied.
 */
struct phyr_dma_state {
	uint64_t addr; /**< private: [iova] of byte 0 */
	uint64_t size; /**< private */
};

/** Longest reservation. [bytes] */
#define PHYR_DMA_STATE_MAX ((UINT64_C(1) << 57) - 1)

/** What is to be reserved. */
struct phyr_dma_want {
	uint64_t len; /**< [bytes] 1 … PHYR_DMA_STATE_MAX */
	/** [bytes] byte 0's I/O address modulo 2^phase_lg2; modulo the granule it must be byte 0's
	 *  physical address, which a phase_lg2 of 0 only means */
	uint64_t phase;
	uint8_t phase_lg2; /**< [log2 bytes, 0 … 63] 0: the granule */
	uint8_t cover_lg2; /**< [log2 bytes, 0 … 63] both ends are reserved rounded out to this: for
				a device whose pages of that size reach beyond; 0: the granule */
	/** where; its phase is not looked at; NULL: anywhere, from the handle's cache if it has one
	 *  and nothing but a granule is asked for */
	const struct phyr_placement *placement;
};

/**
 * @brief What ends a link with its provider; the caller embeds it, all-zero but `gone` is of nothing.
 *
 * From a link on it stays where it is, until all it is of is unlinked: it is of nothing again then, and
 * may be used again. `removed` stays until its next link.
 */
struct phyr_dma_tie {
	struct phyr_p2p_user user;   /**< private: the first member; attached unless removed */
	struct phyr_dma *dma;	     /**< private: NULL when of nothing */
	struct phyr_dma_tie *next;   /**< private: in the handle's list */
	struct phyr_dma_state state; /**< private: a copy, to know its addresses by */
	struct phyr_iova_range
		linked; /**< private: granules of links behind one another, or a hole */
	bool removed;	/**< to be read: the provider was removed, nothing is linked any more */
	/** Set by the owner, or NULL: called when it has been removed; may read, unlink nothing. */
	void (*gone)(struct phyr_dma_tie *tie);
};

/** Memory to be linked: runs behind one another, all of one tag. */
struct phyr_dma_piece {
	const struct phyr_range *runs; /**< len 1 or more; joints on granules */
	size_t run_cnt;		       /**< 1 or more */
	struct phyr_tag tag; /**< what it is; a peer's provider may be 0: it is looked up */
	enum phyr_perm perm; /**< what the device may do */
	/** peers only, else NULL: the caller's, revoke filled in, one a provider and state. It is
	 *  attached if it is not yet: its revoke unlinks all that is linked of the provider */
	struct phyr_p2p_user *user;
	/** peers only, and then instead of a user: of nothing yet, or of what is linked right before
	 *  in this state, of the same provider */
	struct phyr_dma_tie *tie;
};

/** A part of a state. */
struct phyr_dma_part {
	uint64_t offset; /**< [bytes] from byte 0 */
	uint64_t len;	 /**< [bytes] 1 or more */
	/** as it was linked: what was bounced is copied back or not; 0: of any, and it is not */
	enum phyr_perm perm;
};

/*
 * With a checker (dma_check.h), unlink, free and destroy also answer: PHYR_E_INVAL, another direction
 * than linked, or another length than reserved; PHYR_E_PARTIAL, a part of what was mapped in one call; PHYR_E_BUSY, more is linked;
 * PHYR_E_NOENT, nobody knows the state. Nothing is changed then.
 */

/**
 * @brief Takes a range of I/O addresses in which nothing is mapped.
 *
 * @param[in,out] dma       the handle
 * @param[in]     want      see there
 * @param[out]    ret_state written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, len is 0, a log2 above 63, the placement refused
 *                            by phyr_iova_alloc(), or the space's granule larger than the IOMMU's
 * @return PHYR_E_RANGE       longer than PHYR_DMA_STATE_MAX, or wraps when rounded out
 * @return PHYR_E_UNSUPPORTED there is no IOMMU: map lists
 * @return PHYR_E_NOSPACE     no free range fits
 * @return PHYR_E_LIMIT       it can never fit
 * @return PHYR_E_NOMEM       the address space needs memory; nothing reserved
 * @complexity O(levels) of the address space; O(1) from a cache
 * @threads caller serialises calls on one handle
 * @source Linux dma_iova_try_alloc(), which answers false for all of these
 */
PHYR_API PHYR_NODISCARD int phyr_dma_reserve(struct phyr_dma *dma, const struct phyr_dma_want *want,
					     struct phyr_dma_state *ret_state);

/**
 * @brief The I/O address of byte 0.
 *
 * @param[in] state any
 * @return the address; 0 for none
 * @complexity O(1)
 * @threads any number of readers
 */
static inline phyr_iova phyr_dma_state_iova(const struct phyr_dma_state *state)
{
	return phyr_iova_at(state->addr);
}

/**
 * @brief The length that was asked for.
 *
 * @param[in] state any
 * @return [bytes] 0 for none
 * @complexity O(1)
 * @threads any number of readers
 */
static inline uint64_t phyr_dma_state_len(const struct phyr_dma_state *state)
{
	return state->size & PHYR_DMA_STATE_MAX;
}

/**
 * @brief All that is reserved, what is covered included.
 *
 * @param[in] dma   the handle
 * @param[in] state reserved
 * @return the range; len 0 for none
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API struct phyr_iova_range phyr_dma_state_reserved(const struct phyr_dma *dma,
							const struct phyr_dma_state *state);

/**
 * @brief Puts memory at an offset: all of it or nothing. Not visible before a sync.
 *
 * One call of the backend for up to all runs. Unaligned ends of memory that an untrusted device
 * would see whole are bounced.
 *
 * @param[in,out] dma    the handle
 * @param[in,out] state  reserved
 * @param[in]     offset [bytes] of the first byte
 * @param[in]     piece  see there
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing or unknown, a length is 0, a peer comes without
 *                            user and tie or with both, or other memory with one; or runs, tag and
 *                            user or tie are not all of one provider; or a tie is of something else
 *                            than what is right before
 * @return PHYR_E_RANGE       beyond the end of the state, or an address does not fit the table
 * @return PHYR_E_ALIGN       the contract above: a start, joint or end is inside a granule
 * @return PHYR_E_KIND        it would have to be bounced, and is a peer, encrypted, or there is no
 *                            pool; or a peer past the IOMMU: phyr_dma_peer() has its address
 * @return PHYR_E_UNREACHABLE a peer that the device cannot reach
 * @return PHYR_E_PARTIAL     a peer's run that is in two providers, or only partly in one
 * @return PHYR_E_NOENT       a peer's run that is in no provider's BAR; nothing reserved
 * @return PHYR_E_NOSPACE     the bounce pool is full
 * @return PHYR_E_EXISTS      some of it is linked already, or a hole
 * @return PHYR_E_NOMEM       the page table needs memory
 * @complexity O(runs) without the backend's work
 * @threads caller serialises calls on one handle and on one state
 * @source Linux dma_iova_link()
 */
PHYR_API PHYR_NODISCARD int phyr_dma_link(struct phyr_dma *dma, struct phyr_dma_state *state,
					  uint64_t offset, const struct phyr_dma_piece *piece);

/**
 * @brief Makes what was linked visible to the device: once for many links.
 *
 * @param[in,out] dma    the handle
 * @param[in]     state  reserved
 * @param[in]     offset [bytes] of the first byte
 * @param[in]     len    [bytes] 1 or more
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, nothing is reserved, or len is 0
 * @return PHYR_E_RANGE beyond the end of the state
 * @return what the backend's sync_map says; links stay, and may be unlinked
 * @complexity O(1) without the backend's work
 * @threads caller serialises calls on one handle and on one state
 */
PHYR_API PHYR_NODISCARD int phyr_dma_sync(struct phyr_dma *dma, const struct phyr_dma_state *state,
					  uint64_t offset, uint64_t len);

/**
 * @brief Takes a part away, invalidated when the call returns, also with a ring: the addresses
 *        stay reserved and may be linked again at once.
 *
 * While a batch is set (phyr_dma_set_batch()), it is invalidated when the batch ends, and may not be
 * linked again before; so many parts take one flush. A state of which some is bounced or tied does not
 * wait.
 *
 * What was linked of a provider that was removed is not there any more, and counts as linked. In a state
 * with such a hole, a call that fails may have unlinked some before the hole, which is a part of the hole
 * then: the call may be repeated.
 *
 * @param[in,out] dma   the handle
 * @param[in,out] state reserved
 * @param[in]     part  all linked
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing or unknown, nothing is reserved, or len is 0
 * @return PHYR_E_RANGE   beyond the end of the state
 * @return PHYR_E_ALIGN   a start or end other than the state's own is inside a granule
 * @return PHYR_E_NOENT   some of it is not linked; nothing changed
 * @return PHYR_E_PARTIAL a leaf or a tie reaches beyond the part; nothing changed
 * @complexity O(1) without the backend's work; O(ties of the handle) when some of the state was
 *             tied, times the holes in the part
 * @threads caller serialises calls on one handle and on one state
 * @source Linux dma_iova_unlink(), which splits nothing either, but removes whole leaves
 */
PHYR_API PHYR_NODISCARD int phyr_dma_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
					    const struct phyr_dma_part *part);

/**
 * @brief Gives the whole reservation back; nothing may be linked, which nobody verifies.
 *
 * @param[in,out] dma   the handle
 * @param[in,out] state becomes none on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_NOENT nothing is reserved
 * @return PHYR_E_BUSY  a peer is linked with a tie; nothing changed
 * @complexity O(levels) of the address space; O(1) to a cache
 * @threads caller serialises calls on one handle and on one state
 */
PHYR_API PHYR_NODISCARD int phyr_dma_free(struct phyr_dma *dma, struct phyr_dma_state *state);

/**
 * @brief Unlinks what was linked from byte 0 on and gives the whole reservation back.
 *
 * One flush, or none yet with a ring or a batch, unless some is bounced or tied; one for each stretch
 * between holes, where there are any. Linked must be exactly
 * the first linked_len bytes, holes left by providers that were removed apart: so a mapping that was left
 * half-built is taken down too. Gives back what was reserved, whatever was linked (Linux's defect D4).
 *
 * @param[in,out] dma        the handle
 * @param[in,out] state      becomes none on PHYR_OK
 * @param[in]     linked_len [bytes] 0: just phyr_dma_free()
 * @param[in]     perm       as it was linked
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is missing or unknown
 * @return PHYR_E_RANGE   longer than the state
 * @return PHYR_E_ALIGN   it ends inside a granule, and not where the state does
 * @return PHYR_E_NOENT   nothing is reserved, or some of it is not linked; nothing changed
 * @return PHYR_E_PARTIAL a leaf or a tie reaches beyond what is said to be linked; nothing changed
 * @return PHYR_E_BUSY    a peer is linked with a tie behind that; nothing changed
 * @complexity as phyr_dma_unlink() and phyr_dma_free()
 * @threads caller serialises calls on one handle and on one state
 * @source Linux dma_iova_destroy()
 */
PHYR_API PHYR_NODISCARD int phyr_dma_destroy_state(struct phyr_dma *dma,
						   struct phyr_dma_state *state,
						   uint64_t linked_len, enum phyr_perm perm);

/** How a device reaches a range of a peer's BAR. */
struct phyr_dma_reach {
	enum phyr_p2p_type type; /**< BUS, OWN: past the IOMMU; BRIDGE: to be mapped */
	uint32_t provider;	 /**< whose */
	phyr_iova iova;		 /**< BUS, OWN: the bus address of its first byte; else 0 */
};

/**
 * @brief How the handle's device reaches a peer's memory: for those who link page by page.
 *
 * @param[in,out] dma       the handle
 * @param[in]     range     len 1 or more
 * @param[out]    ret_reach written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing or len is 0
 * @return PHYR_E_RANGE       the range wraps
 * @return PHYR_E_NOENT       it is in no provider's BAR
 * @return PHYR_E_PARTIAL     it is in two, or only partly in one
 * @return PHYR_E_UNREACHABLE the device cannot reach it, or the handle has no peers
 * @return PHYR_E_LIMIT       the device cannot send its address
 * @complexity O(log providers); O(1) where the last one was
 * @threads caller serialises calls on one handle
 */
PHYR_API PHYR_NODISCARD int phyr_dma_peer(struct phyr_dma *dma, struct phyr_range range,
					  struct phyr_dma_reach *ret_reach);

#ifdef __cplusplus
}
#endif

#endif
