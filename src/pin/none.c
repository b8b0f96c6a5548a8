/* SPDX-License-Identifier: MIT */
/*
 * Pinning where the system shows physical addresses to nobody. Arguments are checked as
 * everywhere, so that a wrong call is the same mistake on every platform.
 */
#include <phyr/bits.h>
#include <phyr/pin.h>

int phyr_pin_self(uint64_t va, uint64_t len, struct phyr_list *list,
		  struct phyr_pin_error *ret_error)
{
	uint64_t last;

	(void)ret_error;
	if (!list || len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(va, len, &last))
		return PHYR_E_RANGE;
	return PHYR_E_UNSUPPORTED;
}
