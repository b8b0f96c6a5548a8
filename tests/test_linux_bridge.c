/* SPDX-License-Identifier: MIT */
/* Which host bridges Linux trusts, and what that makes of ways between peers. */
#include <phyrsim/linux.h>

#include "p2p_world.h"

static enum phyr_p2p_forward forward_of(uint16_t vendor, uint16_t device)
{
	struct phyrsim_linux_pci_id id = { vendor, device };

	return phyrsim_linux_host_bridge(id);
}

static void the_list_is_linux_s(void **state)
{
	static const uint16_t within[] = { 0x3c00, 0x3c01, 0x2f00, 0x2f01 };
	static const uint16_t across[] = { 0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09a2 };
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < CNT(within); i++)
		assert_int_equal(forward_of(0x8086, within[i]), PHYR_P2P_FORWARD_WITHIN);
	for (size_t i = 0; i < CNT(across); i++)
		assert_int_equal(forward_of(0x8086, across[i]), PHYR_P2P_FORWARD_ACROSS);
	/* And no others. */
	for (uint32_t device = 0; device <= UINT16_MAX; device++)
		found += forward_of(0x8086, (uint16_t)device) != PHYR_P2P_FORWARD_NOTHING;
	assert_int_equal(found, CNT(within) + CNT(across));
}

static void every_device_of_google_counts_and_none_of_others(void **state)
{
	(void)state;
	assert_int_equal(forward_of(0x1ae0, 0), PHYR_P2P_FORWARD_ACROSS);
	assert_int_equal(forward_of(0x1ae0, 0xffff), PHYR_P2P_FORWARD_ACROSS);
	assert_int_equal(forward_of(0x1022, 0x2030), PHYR_P2P_FORWARD_NOTHING);
	assert_int_equal(forward_of(0, 0), PHYR_P2P_FORWARD_NOTHING);
}

/* Root ports a below one bridge, b below another or the same, a function below each. */
static int distance(uint16_t device_a, uint16_t device_b, bool same, enum phyr_p2p_type *ret_type)
{
	unsigned int hops = 0;
	struct world w;
	uint32_t a, b, provider;
	int err;

	world_open(&w);
	a = host(&w, forward_of(0x8086, device_a));
	b = same ? a : host(&w, forward_of(0x8086, device_b));
	a = below(&w, below(&w, a));
	b = below(&w, below(&w, b));
	provider = bar(&w, a, 0x1000, 0x1000);
	err = phyr_p2p_distance(w.p2p, provider, b, ret_type, &hops);
	world_close(&w);
	return err ? err : (int)hops;
}

static void p7_two_root_ports_of_a_2f00_bridge_are_4_apart(void **state)
{
	enum phyr_p2p_type type = PHYR_P2P_NONE;

	(void)state;
	assert_int_equal(distance(0x2f00, 0, true, &type), 4);
	assert_int_equal(type, PHYR_P2P_BRIDGE);
}

static void between_bridges_both_must_be_listed_as_doing_so(void **state)
{
	enum phyr_p2p_type type = PHYR_P2P_NONE;

	(void)state;
	assert_int_equal(distance(0x2f00, 0x2f00, false, &type), PHYR_E_UNREACHABLE);
	assert_int_equal(distance(0x2030, 0x2f00, false, &type), PHYR_E_UNREACHABLE);
	assert_int_equal(distance(0x2030, 0x1234, false, &type), PHYR_E_UNREACHABLE);
	assert_int_equal(type, PHYR_P2P_NONE);
	assert_int_equal(distance(0x2030, 0x09a2, false, &type), 4);
	assert_int_equal(type, PHYR_P2P_BRIDGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_linux_s),
		cmocka_unit_test(every_device_of_google_counts_and_none_of_others),
		cmocka_unit_test(p7_two_root_ports_of_a_2f00_bridge_are_4_apart),
		cmocka_unit_test(between_bridges_both_must_be_listed_as_doing_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
