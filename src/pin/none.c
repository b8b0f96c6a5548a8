/* SPDX-License-Identifier: MIT */
/*
 * Pinning where the system shows physical addresses to nobody. Arguments are checked as
 * everywhere, so that a wrong call is the same mistake on every platform.
 */
#include <phyr/pin.h>

#include "pin.h"

int phyr_pin(const struct phyr_pin_params *params, struct phyr_list *list,
	     struct phyr_pin **ret_pin, struct phyr_pin_result *ret_result,
	     struct phyr_pin_error *ret_error)
{
	int err = phyr_pin_check(params, list, ret_pin);

	(void)ret_result;
	if (err)
		return err;
	if (ret_error)
		*ret_error = (struct phyr_pin_error){ 0, 0, "physical addresses" };
	return PHYR_E_UNSUPPORTED;
}

void phyr_pin_release(struct phyr_pin *pin)
{
	(void)pin;
}
