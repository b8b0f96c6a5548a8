/* SPDX-License-Identifier: MIT */
/*
 * Which host bridges Linux trusts to forward what peers send each other, by the ids of their first
 * device.
 *
 * Not here: AMD, which Linux knows by its processors.
 */
#include <phyrsim/linux.h>

#define VENDOR_INTEL 0x8086
#define VENDOR_GOOGLE 0x1ae0

static enum phyr_p2p_forward intel(uint16_t device)
{
	switch (device) {
	case 0x2f00: /* Haswell and Broadwell Xeons */
	case 0x2f01:
	case 0x3c00: /* Sandy and Ivy Bridge Xeons */
	case 0x3c01:
		return PHYR_P2P_FORWARD_WITHIN;
	case 0x09a2: /* Ice Lake Xeons and later */
	case 0x2020: /* Skylake Xeons */
	case 0x2030:
	case 0x2031:
	case 0x2032:
	case 0x2033:
		return PHYR_P2P_FORWARD_ACROSS;
	default:
		return PHYR_P2P_FORWARD_NOTHING;
	}
}

enum phyr_p2p_forward phyrsim_linux_host_bridge(struct phyrsim_linux_pci_id id)
{
	if (id.vendor == VENDOR_INTEL)
		return intel(id.device);
	return id.vendor == VENDOR_GOOGLE ? PHYR_P2P_FORWARD_ACROSS : PHYR_P2P_FORWARD_NOTHING;
}
