/* SPDX-License-Identifier: MIT */
/* What a request is, before any of it is mapped; and what is kept of it beside its value. */
#ifndef PHYR_FRONT_REQUEST_PRIVATE_H
#define PHYR_FRONT_REQUEST_PRIVATE_H

#include <phyr/front_request.h>

#include "front.h"

struct survey {
	uint64_t len;	     /* [bytes] of all */
	uint64_t joints;     /* OR of the addresses on both sides of every joint */
	uint64_t merge_cnt;  /* neighbours in memory */
	uint64_t offset;     /* SEGMENTS: I/O address − physical */
	struct phyr_tag tag; /* of all, the provider looked up */
	enum phyr_front_form form;
};

/* Of a list or a peer. */
struct phyr_front_record {
	struct phyr_p2p_user user; /* the first member: it is what the registry hands back */
	struct phyr_dma_tie tie;   /* RANGE, through a host bridge */
	struct phyr_dma_map map;   /* LIST */
	bool revoked;		   /* SEGMENTS: the peer was removed */
};

/* PHYR_OK, or why it cannot be mapped. */
int phyr_front_survey(struct phyr_front_queue *queue, const struct phyr_front_input *input,
		      struct survey *ret_survey);

/* The run at the start of an input, neighbours joined; the input is what is left. */
struct phyr_range phyr_front_run(struct phyr_front_input *input);

#endif
