/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Recorded activity: reads the text that Linux's ftrace prints, one event at a time.
 *
 * What the kernel did to I/O address spaces: mappings, DMA calls, invalidations, and the marks of
 * those who recorded it. The text stays the caller's and is never written; nothing is allocated,
 * and what an event says in words points into it. Lines of other events are skipped and counted;
 * a line that breaks its own form is refused with its number and a reason, and reading goes on
 * behind it. The lines of ftrace itself, trace-cmd, perf script and the kernel's log are known, and
 * lines without anything in front of the event's name.
 *
 * Not here: opening files; what a driver did between two lines; which device a mapping belongs to.
 * The events of mappings name neither device nor domain nor permission.
 */
#ifndef PHYRSIM_TRACE_H
#define PHYRSIM_TRACE_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a line does not say which CPU it is about. */
#define PHYRSIM_TRACE_NO_CPU (~0U)
/** Where a line has no physical address. */
#define PHYRSIM_TRACE_NO_PA UINT64_MAX

/** What happened. Values are pinned. */
enum phyrsim_trace_kind {
	PHYRSIM_TRACE_MAP = 0,	     /**< one contiguous run was mapped */
	PHYRSIM_TRACE_UNMAP = 1,     /**< a range was unmapped; printed after the work */
	PHYRSIM_TRACE_FAULT = 2,     /**< a device's access was refused */
	PHYRSIM_TRACE_DMA_MAP = 3,   /**< a DMA call mapped or allocated */
	PHYRSIM_TRACE_DMA_UNMAP = 4, /**< a DMA call unmapped or freed */
	PHYRSIM_TRACE_FLUSH = 5,     /**< VT-d: the driver invalidates a range, or everything */
	PHYRSIM_TRACE_COMMAND = 6,   /**< VT-d: a descriptor as the hardware gets it */
	PHYRSIM_TRACE_ATTACH = 7,    /**< a device got a domain */
	PHYRSIM_TRACE_MARK = 8,	     /**< words of who recorded: tracing_mark_write */
	PHYRSIM_TRACE_TIMER = 9,     /**< the timer of a lazy queue runs: a probe at
					  fq_flush_timeout(), by that name */
};
/** How many kinds there are. */
#define PHYRSIM_TRACE_KIND_CNT 10

/** Which way a DMA call's data goes, as Linux numbers it. */
enum phyrsim_trace_dir {
	PHYRSIM_TRACE_BIDIRECTIONAL = 0, /**< both ways */
	PHYRSIM_TRACE_TO_DEVICE = 1,	 /**< the device reads */
	PHYRSIM_TRACE_FROM_DEVICE = 2,	 /**< the device writes */
	PHYRSIM_TRACE_NONE = 3,		 /**< neither */
};

/** A piece of the text; not terminated. */
struct phyrsim_trace_text {
	const char *at; /**< in the caller's text */
	size_t len;	/**< [bytes] */
};

/** What FLUSH and COMMAND invalidate. */
struct phyrsim_trace_flush {
	unsigned int domain; /**< domain id */
	bool whole;	     /**< the domain, or everything; the window means nothing */
	phyr_iova window;    /**< first byte of what is invalidated */
	unsigned int mask;   /**< [log2 pages] of the window */
	bool map_side;	     /**< FLUSH: because something was mapped (…_np) */
	bool device_tlb;     /**< FLUSH: of a device's own cache */
	bool leaf_only;	     /**< COMMAND: pointers to tables stay cached (IH) */
	bool iotlb;	     /**< COMMAND: an invalidation of the IOTLB; else the rest is zero */
};

/** One event. Fields that its kind does not name are zero. */
struct phyrsim_trace_event {
	enum phyrsim_trace_kind kind; /**< which of the fields below mean something */
	bool legacy;		      /**< MAP, UNMAP: of a kernel before 5.17, without the end */
	bool interrupt;		      /**< in a hard or soft interrupt, not in the task itself */
	bool write;		      /**< FAULT: of a write */
	unsigned int cpu;	      /**< or PHYRSIM_TRACE_NO_CPU */
	uint64_t pid;		      /**< of the task that ran; 0 = idle, or not known */
	uint64_t time;	    /**< [ns] of the trace's clock; a counter as it stands; 0 = not known */
	uint64_t line;	    /**< [lines] from 1 */
	uint64_t order;	    /**< [events] given before it */
	uint64_t entry_cnt; /**< DMA_MAP of a scatterlist: entries of memory; else 1 */
	uint64_t part_cnt;  /**< DMA_MAP of a scatterlist: ranges of I/O addresses; else 1 */
	uint64_t done_len;  /**< [bytes] UNMAP: what was found mapped; may differ from the range */
	struct phyr_iova_range range; /**< MAP, UNMAP, DMA_*, FAULT (one byte), FLUSH; of several
					   parts the first; len 0: the line has none */
	phyr_pa pa;		      /**< MAP, DMA_*: first byte, or PHYRSIM_TRACE_NO_PA */
	enum phyrsim_trace_dir dir;   /**< DMA_* */
	struct phyrsim_trace_flush flush; /**< FLUSH, COMMAND */
	uint64_t words[4];		  /**< COMMAND: the descriptor, and what follows it */
	struct phyrsim_trace_text device; /**< DMA_*, FAULT, ATTACH; empty: the line has none */
	struct phyrsim_trace_text name;	  /**< of the event, "dma_map_page" */
	struct phyrsim_trace_text args;	  /**< all behind the name; of MARK the words */
};

/** What was read so far. */
struct phyrsim_trace_stats {
	uint64_t line_cnt;	/**< lines, of any kind */
	uint64_t event_cnt;	/**< events given */
	uint64_t legacy_cnt;	/**< of them in the form without the end */
	uint64_t comment_cnt;	/**< lines that begin with # */
	uint64_t unknown_cnt;	/**< lines of other events, skipped */
	uint64_t zero_cnt;	/**< mappings and unmappings of no bytes, skipped */
	uint64_t malformed_cnt; /**< lines refused */
	uint64_t lost_mark_cnt; /**< lines that say that events were lost */
	uint64_t lost_cnt;	/**< [events] that these lines name */
	uint64_t missing_cnt;	/**< [events] written but not in the buffer, by its head */
};

/** A trace being read. Copying it keeps the place. */
struct phyrsim_trace {
	const char *text;		  /**< private: the caller's */
	size_t len;			  /**< private: [bytes] of it */
	size_t at;			  /**< private: [bytes] read */
	struct phyrsim_trace_stats stats; /**< private: see phyrsim_trace_stats() */
};

/** Where and why a line is refused. */
struct phyrsim_trace_error {
	uint64_t line;	    /**< [lines] from 1 */
	const char *reason; /**< a constant sentence */
};

/**
 * @brief Begins to read a text.
 *
 * @param[out] trace the caller's storage; needs no fini
 * @param[in]  text  any bytes; must outlive the trace and its events; NULL only when len is 0
 * @param[in]  len   [bytes]
 * @complexity O(1)
 * @threads caller serialises calls on one trace
 */
PHYR_API void phyrsim_trace_begin(struct phyrsim_trace *trace, const char *text, size_t len);

/**
 * @brief Gives the next event.
 *
 * A line that is refused is passed over: the next call goes on behind it.
 *
 * @param[in,out] trace     begun
 * @param[out]    ret_event written only on PHYR_OK
 * @param[out]    ret_error written only on PHYR_E_FORMAT; NULL when nobody wants it
 * @return PHYR_OK
 * @return PHYR_E_NOENT  the text is at its end
 * @return PHYR_E_FORMAT a line is of no known form, or contradicts itself
 * @complexity O(bytes read)
 * @threads caller serialises calls on one trace
 * @source Linux include/trace/events/iommu.h, dma.h and drivers/iommu/intel/trace.h
 */
PHYR_API PHYR_NODISCARD int phyrsim_trace_next(struct phyrsim_trace *trace,
					       struct phyrsim_trace_event *ret_event,
					       struct phyrsim_trace_error *ret_error);

/**
 * @brief What was read so far.
 *
 * @param[in]  trace     begun
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one trace
 */
PHYR_API void phyrsim_trace_stats(const struct phyrsim_trace *trace,
				  struct phyrsim_trace_stats *ret_stats);

/**
 * @brief Does a piece of the text begin with these words?
 *
 * @param[in] text  of an event
 * @param[in] words terminated
 * @return whether it does
 * @complexity O(words)
 * @threads any
 */
PHYR_API bool phyrsim_trace_begins(struct phyrsim_trace_text text, const char *words);

#ifdef __cplusplus
}
#endif

#endif
