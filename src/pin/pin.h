/* SPDX-License-Identifier: MIT */
/* What the parts of pinning share. */
#ifndef PHYR_PIN_PIN_H
#define PHYR_PIN_PIN_H

#include <phyr/pin.h>

/* Can a call with these arguments succeed anywhere? PHYR_E_INVAL, PHYR_E_RANGE. */
int phyr_pin_check(const struct phyr_pin_params *params, const struct phyr_list *list,
		   struct phyr_pin **ret_pin);

/* Locks or pins memory of this process; params are checked. A page that cannot be brought in may
 * be left for the page map to show. */
int phyr_pin_hold(const struct phyr_pin_params *params, struct phyr_pin **ret_pin,
		  struct phyr_pin_error *ret_error);

#endif
