/* SPDX-License-Identifier: MIT */
/*
 * Real buffers where the system offers no way to choose or to look at their pages.
 */
#include <phyrsim/buffer.h>

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

/* There never is a buffer. */
uint64_t phyrsim_buffer_va(const struct phyrsim_buffer *buffer)
{
	(void)buffer;
	return 0;
}

uint64_t phyrsim_buffer_len(const struct phyrsim_buffer *buffer)
{
	(void)buffer;
	return 0;
}

int phyrsim_fragment_available(uint64_t *ret_len)
{
	(void)ret_len;
	return PHYR_E_UNSUPPORTED;
}

int phyrsim_fragment_create(const struct phyrsim_fragment_params *params,
			    struct phyrsim_fragment **ret_fragment,
			    struct phyrsim_buffer_error *ret_error)
{
	(void)params;
	(void)ret_fragment;
	(void)ret_error;
	return PHYR_E_UNSUPPORTED;
}

void phyrsim_fragment_destroy(struct phyrsim_fragment *fragment)
{
	(void)fragment;
}
