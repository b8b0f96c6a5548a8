/* SPDX-License-Identifier: MIT */
/*
 * Threads that attach to the same few providers and detach, each with a client of its own; between
 * rounds, while they wait, providers are removed and registered again. At the end of a round all
 * that is attached is found, and told once.
 *
 * Threads note what they find wrong; only main() asserts. PHYR_ITER is the number of attachments
 * of a thread and round. How to run it under the thread sanitizer: stress_iova.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "p2p_world.h"

#define THREADS 4
#define BARS 3
#define USERS 16
#define ROUNDS 20

static atomic_uint told_cnt;

static void let_go(struct phyr_p2p_user *user)
{
	atomic_fetch_add(&told_cnt, 1);
	phyr_p2p_detach(user);
}

struct actor {
	pthread_t thread;
	struct phyr_p2p *p2p;
	struct phyr_p2p_client *client;
	struct phyr_p2p_user users[USERS];
	uint64_t random, steps;
	bool wrong;
};

static void *act(void *arg)
{
	struct actor *actor = arg;

	for (uint64_t i = 0; i < actor->steps; i++) {
		uint64_t random = test_random(&actor->random);
		struct phyr_p2p_user *user = &actor->users[random % USERS];
		struct phyr_range range = range_at((random >> 8) % BARS << 12, 0x1000);
		uint32_t provider;

		if (user->provider) {
			phyr_p2p_detach(user);
			continue;
		}
		actor->wrong |= phyr_p2p_find(actor->client, range, &provider) ||
				phyr_p2p_type(actor->client, provider) != PHYR_P2P_OWN ||
				phyr_p2p_attach(actor->p2p, provider, user);
	}
	return NULL;
}

static unsigned int attached_cnt(const struct actor *actor)
{
	unsigned int cnt = 0;

	for (size_t i = 0; i < USERS; i++)
		cnt += actor->users[i].provider != 0;
	return cnt;
}

/* All at work, then all told. */
static void round_of(struct world *w, struct actor *actors, uint32_t *bars)
{
	unsigned int attached = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&actors[i].thread, NULL, act, &actors[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
		assert_false(actors[i].wrong);
		attached += attached_cnt(&actors[i]);
	}
	assert_true(phyr_p2p_validate(w->p2p, NULL));
	atomic_store(&told_cnt, 0);
	for (uint64_t i = 0; i < BARS; i++) {
		assert_int_equal(phyr_p2p_remove(w->p2p, bars[i]), PHYR_OK);
		bars[i] = bar(w, 2, i << 12, 0x1000);
	}
	assert_int_equal(atomic_load(&told_cnt), attached);
}

static void all_that_is_attached_is_told_once(void **state)
{
	static struct actor actors[THREADS];
	struct world w;
	uint32_t bars[BARS];

	(void)state;
	world_open(&w);
	assert_int_equal(below(&w, host(&w, PHYR_P2P_FORWARD_NOTHING)), 2);
	for (uint64_t i = 0; i < BARS; i++)
		bars[i] = bar(&w, 2, i << 12, 0x1000);
	for (size_t i = 0; i < THREADS; i++) {
		actors[i].p2p = w.p2p;
		actors[i].client = client(&w, 2);
		actors[i].random = i + 1;
		actors[i].steps = test_number("PHYR_ITER", 5000);
		for (size_t j = 0; j < USERS; j++)
			actors[i].users[j].revoke = let_go;
	}
	for (size_t i = 0; i < ROUNDS; i++)
		round_of(&w, actors, bars);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_attached_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
