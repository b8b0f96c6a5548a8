/* SPDX-License-Identifier: MIT */
/*
 * A registry when memory runs out: each allocation fails in turn, once and for good; the call that
 * failed has changed nothing, and succeeds when it is repeated with memory. What removes needs
 * none.
 */
#include "p2p_world.h"

#define NODES 40
#define BARS 40

/* Calls until it succeeds; after a failure with memory, since a sticky one would never end. */
#define RETRY(w, call)                                                               \
	do {                                                                         \
		int err_ = (call);                                                   \
                                                                                     \
		if (err_) {                                                          \
			assert_int_equal(err_, PHYR_E_NOMEM);                        \
			assert_true((w)->t.failed);                                  \
			assert_true(!(w)->p2p || phyr_p2p_validate((w)->p2p, NULL)); \
			(w)->t.fail_at = SIZE_MAX;                                   \
			(w)->t.sticky = false;                                       \
			assert_int_equal(call, PHYR_OK);                             \
		}                                                                    \
	} while (0)

static void build(struct world *w, struct phyr_p2p_client **ret_client)
{
	struct phyr_p2p_node node = { 0 };
	uint32_t id = 0, provider;

	RETRY(w, phyr_p2p_create(&w->t.mem, &w->p2p));
	for (uint32_t i = 1; i <= NODES; i++) {
		RETRY(w, phyr_p2p_add_node(w->p2p, &node, &id));
		assert_int_equal(id, i);
		node.parent = 1;
	}
	for (uint32_t i = 1; i <= BARS; i++) {
		struct phyr_p2p_bar bar = { range_at(i * UINT64_C(0x1000), 0x1000), 0, 2 };

		RETRY(w, phyr_p2p_register(w->p2p, &bar, &provider));
		assert_int_equal(provider, i);
	}
	RETRY(w, phyr_p2p_client_create(&w->t.mem, w->p2p, 2, ret_client));
}

/* Whose the memory is does not depend on what failed before. */
static void check(struct world *w, struct phyr_p2p_client *client)
{
	uint32_t id;

	for (uint32_t i = 1; i <= BARS; i++) {
		assert_int_equal(phyr_p2p_find(client, range_at(i * UINT64_C(0x1000), 0x1000), &id),
				 PHYR_OK);
		assert_int_equal(id, i);
		assert_int_equal(phyr_p2p_type(client, id), PHYR_P2P_OWN);
	}
	/* Removing takes no memory. */
	w->t.fail_at = w->t.alloc_cnt;
	w->t.sticky = true;
	for (uint32_t i = 1; i <= BARS; i++)
		assert_int_equal(phyr_p2p_remove(w->p2p, i), PHYR_OK);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (int sticky = 0; sticky < 2; sticky++) {
		size_t at = 0;
		bool failed;

		do {
			struct phyr_p2p_client *client = NULL;
			struct world w = { 0 };

			test_mem_init(&w.t);
			w.t.fail_at = at++;
			w.t.sticky = sticky;
			build(&w, &client);
			failed = w.t.failed;
			check(&w, client);
			phyr_p2p_client_destroy(client);
			phyr_p2p_destroy(w.p2p);
			assert_int_equal(w.t.live_cnt, 0);
			assert_int_equal(w.t.live_len, 0);
		} while (failed);
		assert_true(at > BARS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
