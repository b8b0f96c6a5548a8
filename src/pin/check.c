/* SPDX-License-Identifier: MIT */
/* The arguments of a pin: the same mistakes on every platform. */
#include <phyr/bits.h>

#include "pin.h"

/* The longest list. */
#define LIST_LEN_MAX (UINT64_MAX - (PHYR_PAGE_SIZE - 1))

int phyr_pin_check(const struct phyr_pin_params *params, const struct phyr_list *list,
		   struct phyr_pin **ret_pin)
{
	uint64_t last;

	if (!params || !list || params->len == 0 || (unsigned int)params->state > PHYR_PIN_PINNED)
		return PHYR_E_INVAL;
	if (params->state != PHYR_PIN_SNAPSHOT && (!params->mem || !ret_pin))
		return PHYR_E_INVAL;
	if (!phyr_bits_last(params->va, params->len, &last))
		return PHYR_E_RANGE;
	return params->len > LIST_LEN_MAX - phyr_list_len(list) ? PHYR_E_RANGE : PHYR_OK;
}
