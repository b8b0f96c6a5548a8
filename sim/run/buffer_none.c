/* SPDX-License-Identifier: MIT */
/*
 * Real buffers where the system offers no way to choose or to look at their pages.
 */
#include <phyrsim/run.h>

int phyrsim_buffer_create(const struct phyrsim_buffer_params *params,
			  struct phyrsim_buffer **ret_buffer,
			  struct phyrsim_buffer_error *ret_error)
{
	(void)params;
	(void)ret_buffer;
	(void)ret_error;
	return PHYR_E_UNSUPPORTED;
}

void phyrsim_buffer_destroy(struct phyrsim_buffer *buffer)
{
	(void)buffer;
}

int phyrsim_buffer_pin(const struct phyrsim_buffer *buffer, struct phyr_list *list,
		       struct phyr_pin_error *ret_error)
{
	(void)buffer;
	(void)list;
	(void)ret_error;
	return PHYR_E_UNSUPPORTED;
}
