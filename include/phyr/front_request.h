/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A request of segments mapped for a device that takes {address, length} entries: block
 *        layers, NVMe, network rings.
 *
 * What becomes of it, in the order of what is tried:
 *
 * | memory | result | kept for it |
 * |---|---|---|
 * | IOMMU, no gap below the granule | one range | 16 bytes, whatever the number of segments |
 * | no IOMMU, or a peer by bus address | the segments, at an offset | nothing |
 * | else (gaps, bouncing, CPU caches to maintain) | a list of I/O addresses | a mapping |
 *
 * A *gap* is what the joints between segments have of address bits below the granule: the IOMMU can
 * put segments behind one another only where they meet on granules. Segments that are neighbours in
 * memory have no joint: they are merged.
 *
 * A request is of one kind of memory, and a peer's of one provider: the first segment decides. A
 * request of a peer's memory also keeps a record, so that it ends when the provider is removed.
 *
 * The device's limits are kept whatever the result, and the result is what is counted against them.
 * Not here: lists that are kept (dma.h).
 */
#ifndef PHYR_FRONT_REQUEST_H
#define PHYR_FRONT_REQUEST_H

#include <phyr/base.h>
#include <phyr/dma.h>
#include <phyr/dma_link.h>
#include <phyr/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A piece of a request. */
struct phyr_front_segment {
	struct phyr_range range; /**< any bytes; len 1 or more */
	struct phyr_tag tag;	 /**< what it is; a peer's provider may be 0: it is looked up */
};

/** The segments of a request, in order. */
struct phyr_front_input {
	const struct phyr_front_segment *segments; /**< the caller's */
	size_t cnt;				   /**< 1 or more */
};

/** What a queue's requests took. */
struct phyr_front_request_stats {
	uint64_t request_cnt;	/**< requests mapped */
	uint64_t unmap_cnt;	/**< requests unmapped */
	uint64_t in_cnt;	/**< segments that came */
	uint64_t out_cnt;	/**< segments that the device got */
	uint64_t merge_cnt;	/**< joints that are none: neighbours in memory */
	uint64_t gap_cnt;	/**< requests that gaps keep from being one range */
	uint64_t coalesced_cnt; /**< requests of several segments that became one range */
	uint64_t kept_len;	/**< [bytes] of records now */
};

/** A queue: a device as one thread sees it; the caller's. */
struct phyr_front_queue {
	struct phyr_front_request_stats stats; /**< to be read */
	struct phyr_segment_limits limits;     /**< constant */
	struct phyr_dma *dma;		       /**< constant */
	struct phyr_dma_params params;	       /**< private: of the handle */
	unsigned int granule_lg2;	       /**< private */
};

/** What became of a request. */
enum phyr_front_form {
	PHYR_FRONT_NONE = 0,	 /**< not mapped */
	PHYR_FRONT_RANGE = 1,	 /**< one range of I/O addresses */
	PHYR_FRONT_SEGMENTS = 2, /**< the segments themselves, at an offset: past any IOMMU */
	PHYR_FRONT_LIST = 3,	 /**< a list of I/O addresses */
};

struct phyr_front_record;

/** A mapped request; the caller's, may be moved. Members may be read, not written. */
struct phyr_front_request {
	struct phyr_dma_state state;	  /**< private: RANGE; SEGMENTS: the offset */
	struct phyr_front_record *record; /**< private: lists and peers; else NULL */
	uint64_t segment_cnt;		  /**< what the device gets, under its limits */
	enum phyr_front_form form;	  /**< which */
	enum phyr_perm perm;		  /**< what the device may do */
	bool gap;			  /**< LIST: gaps keep it from being one range */
	bool coalesced; /**< RANGE: of segments that are no neighbours in memory */
};

/** A place in what the device gets. All members are private. */
struct phyr_front_cursor {
	struct phyr_dma_cursor list;   /**< private: LIST */
	struct phyr_front_input input; /**< private: SEGMENTS: what is left */
	struct phyr_iova_range one;    /**< private: RANGE: what is left */
	struct phyr_iova_range rest;   /**< private: of the current run */
	uint64_t offset;	       /**< private: SEGMENTS */
	uint64_t len_max;	       /**< private: [bytes] of a segment */
	unsigned int boundary_lg2;     /**< private: [log2 bytes] 0: none */
};

/**
 * @brief Starts a queue.
 *
 * @param[out] queue  the caller's; nothing to end
 * @param[in]  dma    must outlive the queue
 * @param[in]  limits of the device; all zero: none
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, a log2 above 63, or segments have no room between the
 *                      alignment and len_max or the boundary
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_front_queue_init(struct phyr_front_queue *queue,
						  struct phyr_dma *dma,
						  const struct phyr_segment_limits *limits);

/**
 * @brief Maps a request: all of it or nothing, with at most one reservation and one sync.
 *
 * @param[in,out] queue       the queue
 * @param[in]     input       copied nowhere: see phyr_front_request_begin()
 * @param[in]     perm        what the device may do
 * @param[out]    ret_request written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing or unknown, or a length is 0
 * @return PHYR_E_RANGE       a segment wraps, or the lengths add up to 2^57 or more
 * @return PHYR_E_KIND        two kinds or two providers; or as phyr_dma_map()
 * @return PHYR_E_ALIGN       the device's limits: alignment or gap
 * @return PHYR_E_LIMIT       more segments than the device takes, or an address that it cannot send
 * @return PHYR_E_UNREACHABLE a peer that the device cannot reach
 * @return PHYR_E_PARTIAL     a segment that is in two providers, or only partly in one
 * @return PHYR_E_NOENT       called a peer's, and in no provider's BAR
 * @return PHYR_E_NOSPACE     no free range fits, or the bounce pool is full
 * @return PHYR_E_NOMEM       nothing is mapped, reserved or allocated
 * @return what the backend's sync_map says
 * @complexity O(segments) without the backend's work; allocates for lists and peers alone
 * @threads caller serialises calls on one queue and on its handle
 * @source Linux blk-mq-dma.c, which never merges into the middle of a segment, and does not hold one
 *         range to the device's limits; a gap there has no list but a mapping a segment
 */
PHYR_API PHYR_NODISCARD int phyr_front_request_map(struct phyr_front_queue *queue,
						   const struct phyr_front_input *input,
						   enum phyr_perm perm,
						   struct phyr_front_request *ret_request);

/**
 * @brief Unmaps a request, by the handle's policy; needs neither memory nor the segments.
 *
 * A request of a peer that was removed is gone already: this only ends it.
 *
 * @param[in,out] queue   that mapped it
 * @param[in,out] request becomes PHYR_FRONT_NONE on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing
 * @return PHYR_E_NOENT not mapped
 * @complexity O(1) without the backend's work; a list as phyr_dma_unmap()
 * @threads as phyr_front_request_map()
 */
PHYR_API PHYR_NODISCARD int phyr_front_request_unmap(struct phyr_front_queue *queue,
						     struct phyr_front_request *request);

/**
 * @brief Starts at the first segment that the device gets.
 *
 * A request of a peer that was removed has none.
 *
 * @param[in]  queue   that mapped it
 * @param[in]  request mapped
 * @param[in]  input   as it was mapped, until the cursor's end; looked at for PHYR_FRONT_SEGMENTS alone
 * @param[out] cursor  the caller's storage
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_front_request_begin(const struct phyr_front_queue *queue,
				       const struct phyr_front_request *request,
				       const struct phyr_front_input *input,
				       struct phyr_front_cursor *cursor);

/**
 * @brief Returns the next segment that the device gets, in the order of the request's bytes.
 *
 * @param[in,out] cursor      started
 * @param[out]    ret_segment written only when true is returned
 * @return true when there was one, false at the end
 * @complexity O(1) on average
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API bool phyr_front_request_next(struct phyr_front_cursor *cursor,
				      struct phyr_iova_range *ret_segment);

#ifdef __cplusplus
}
#endif

#endif
