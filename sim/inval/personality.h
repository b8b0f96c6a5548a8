/* SPDX-License-Identifier: MIT */
/* What the personalities share: how commands are sent, and windows that commands can name. */
#ifndef PHYRSIM_INVAL_PERSONALITY_H
#define PHYRSIM_INVAL_PERSONALITY_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/inval.h>

/* Addresses, both ends included; whole granules. */
struct phyrsim_stretch {
	uint64_t first;
	uint64_t last;
};

struct phyrsim_inval_ops {
	/* The commands for what a gather holds; it is not empty. */
	void (*flush)(struct phyrsim_inval *inval, const struct phyr_gather *gather);
	/* May a piece be gathered without a flush? NULL: always. The gather is not empty. */
	bool (*joins)(const struct phyr_gather *gather, const struct phyr_gather *piece);
	/* The sizes by which an unmap is cut into pieces; empty: it is not. NULL: never. */
	phyr_sizes (*cuts)(const struct phyrsim_inval *inval, const struct phyr_gather *removed);
};

extern const struct phyrsim_inval_ops phyrsim_inval_generic;
extern const struct phyrsim_inval_ops phyrsim_inval_vtd;
extern const struct phyrsim_inval_ops phyrsim_inval_vtd_linux;
extern const struct phyrsim_inval_ops phyrsim_inval_amd;
extern const struct phyrsim_inval_ops phyrsim_inval_amd_exact;
extern const struct phyrsim_inval_ops phyrsim_inval_arm;
extern const struct phyrsim_inval_ops phyrsim_inval_arm_single;
extern const struct phyrsim_inval_ops phyrsim_inval_riscv;
extern const struct phyrsim_inval_ops phyrsim_inval_riscv_nl;

const struct phyrsim_inval_ops *phyrsim_inval_ops_of(const struct phyrsim_inval *inval);

/* What was removed, rounded out to granules. */
struct phyrsim_stretch phyrsim_inval_stretch(const struct phyrsim_inval *inval,
					     const struct phyr_gather *gather);

/* Does a piece neither touch nor overlap what is gathered? */
bool phyrsim_inval_apart(const struct phyr_gather *gather, const struct phyr_gather *piece);

void phyrsim_inval_send(struct phyrsim_inval *inval, const struct phyrsim_command *command);

/* Everything of the domain, table pointers too. */
void phyrsim_inval_send_all(struct phyrsim_inval *inval);

/* A range; one of 2^64 bytes has no length, so it is everything. */
void phyrsim_inval_send_range(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk);

/* Naturally aligned pieces, each as large as can be, without gaps. */
void phyrsim_inval_send_tiles(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk);

/* The window of VT-d for a range, or everything. */
void phyrsim_inval_send_psi(struct phyrsim_inval *inval, struct phyrsim_stretch range, bool walk);

/* [log2 bytes] the smallest naturally aligned power of two that holds a range; 64 = everything */
static inline unsigned int phyrsim_inval_window_lg2(const struct phyrsim_inval *inval,
						    struct phyrsim_stretch range)
{
	uint64_t differ = range.first ^ range.last;
	unsigned int lg2 = differ ? phyr_bits_log2(differ) + 1 : 0;

	return lg2 > inval->params.granule_lg2 ? lg2 : inval->params.granule_lg2;
}

/* The window of that size which holds a range. */
static inline struct phyrsim_stretch phyrsim_inval_window(struct phyrsim_stretch range,
							  unsigned int lg2)
{
	range.first = phyr_bits_down(range.first, lg2);
	range.last = range.first + phyr_bits_mask(lg2);
	return range;
}

#endif
