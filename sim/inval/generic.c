/* SPDX-License-Identifier: MIT */
/* Hardware as one would wish it: any range is one command. */
#include "personality.h"

static void generic_flush(struct phyrsim_inval *inval, const struct phyr_gather *gather)
{
	phyrsim_inval_send_range(inval, phyrsim_inval_stretch(inval, gather),
				 gather->tables_removed);
}

const struct phyrsim_inval_ops phyrsim_inval_generic = { generic_flush, NULL, NULL };
