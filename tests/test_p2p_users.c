/* SPDX-License-Identifier: MIT */
/*
 * Users of providers: who is told when a provider goes, and what happens to those who stay. Not
 * here: threads (stress_p2p.c).
 */
#include "p2p_world.h"

/* What maps a provider: lets go when told, unless it is stubborn. */
struct holder {
	struct phyr_p2p_user user; /* first: a holder is found by it */
	struct holder *partner;	   /* lets go of this one's use as well */
	struct phyr_p2p *p2p; /* tries to attach to the same provider again, and to remove it */
	bool stubborn, freed;
	unsigned int told_cnt;
};

static void let_go(struct phyr_p2p_user *user)
{
	struct holder *holder = (struct holder *)user;
	uint32_t provider = user->provider;

	holder->told_cnt++;
	if (holder->stubborn)
		return;
	phyr_p2p_detach(user);
	if (holder->partner)
		phyr_p2p_detach(&holder->partner->user);
	if (holder->p2p) {
		assert_int_equal(phyr_p2p_attach(holder->p2p, provider, user), PHYR_E_NOENT);
		assert_int_equal(phyr_p2p_remove(holder->p2p, provider), PHYR_E_NOENT);
	}
	if (holder->freed)
		free(holder);
}

struct fixture {
	struct world w;
	uint32_t a, b;
	struct holder holders[3];
};

static void open(struct fixture *f)
{
	uint32_t function;

	memset(f, 0, sizeof(*f));
	world_open(&f->w);
	function = below(&f->w, host(&f->w, PHYR_P2P_FORWARD_NOTHING));
	f->a = bar(&f->w, function, 0x1000, 0x1000);
	f->b = bar(&f->w, function, 0x2000, 0x1000);
	for (size_t i = 0; i < CNT(f->holders); i++)
		f->holders[i].user.revoke = let_go;
}

static void attach(struct fixture *f, struct holder *holder, uint32_t provider)
{
	assert_int_equal(phyr_p2p_attach(f->w.p2p, provider, &holder->user), PHYR_OK);
	assert_int_equal(holder->user.provider, provider);
	assert_true(phyr_p2p_validate(f->w.p2p, NULL));
}

static void every_user_is_told_once_and_the_provider_goes(void **state)
{
	struct fixture f;
	struct phyr_p2p_bar bar;

	(void)state;
	open(&f);
	for (size_t i = 0; i < CNT(f.holders); i++)
		attach(&f, &f.holders[i], f.a);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	for (size_t i = 0; i < CNT(f.holders); i++) {
		assert_int_equal(f.holders[i].told_cnt, 1);
		assert_int_equal(f.holders[i].user.provider, 0);
	}
	assert_int_equal(phyr_p2p_bar(f.w.p2p, f.a, &bar), PHYR_E_NOENT);
	world_close(&f.w);
}

static void users_of_other_providers_are_left_alone(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	attach(&f, &f.holders[0], f.a);
	attach(&f, &f.holders[1], f.b);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	assert_int_equal(f.holders[1].told_cnt, 0);
	assert_int_equal(f.holders[1].user.provider, f.b);
	phyr_p2p_detach(&f.holders[1].user);
	world_close(&f.w);
}

static void a_user_that_stays_keeps_the_provider(void **state)
{
	struct fixture f;
	struct phyr_p2p_bar bar;

	(void)state;
	open(&f);
	f.holders[1].stubborn = true;
	for (size_t i = 0; i < CNT(f.holders); i++)
		attach(&f, &f.holders[i], f.a);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_E_BUSY);
	for (size_t i = 0; i < CNT(f.holders); i++)
		assert_int_equal(f.holders[i].told_cnt, 1);
	assert_int_equal(phyr_p2p_bar(f.w.p2p, f.a, &bar), PHYR_OK);
	assert_true(phyr_p2p_validate(f.w.p2p, NULL));
	assert_int_equal(f.holders[1].user.provider, f.a);
	attach(&f, &f.holders[0], f.a); /* it is in use as before */
	f.holders[1].stubborn = false;
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	assert_int_equal(f.holders[1].told_cnt, 2);
	world_close(&f.w);
}

static void two_users_that_stay_are_users_as_before(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	for (size_t i = 0; i < CNT(f.holders); i++) {
		f.holders[i].stubborn = i > 0;
		attach(&f, &f.holders[i], f.a);
	}
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_E_BUSY);
	assert_true(phyr_p2p_validate(f.w.p2p, NULL));
	phyr_p2p_detach(&f.holders[1].user);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_E_BUSY);
	phyr_p2p_detach(&f.holders[2].user);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	world_close(&f.w);
}

static void a_revoke_may_detach_other_users_too(void **state)
{
	struct fixture f;
	unsigned int told = 0;

	(void)state;
	open(&f);
	/* Whoever is told first takes another one along: told already, or not to be told. */
	f.holders[0].partner = &f.holders[1];
	f.holders[1].partner = &f.holders[0];
	f.holders[2].partner = &f.holders[0];
	for (size_t i = 0; i < CNT(f.holders); i++)
		attach(&f, &f.holders[i], f.a);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	for (size_t i = 0; i < CNT(f.holders); i++)
		told += f.holders[i].told_cnt;
	assert_int_equal(told, 2);
	world_close(&f.w);
}

static void a_stubborn_user_may_be_detached_by_one_that_is_told_later(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	/* The one attached last is told first; whichever it is, the other one mends it. */
	f.holders[0].partner = &f.holders[1];
	f.holders[1].stubborn = true;
	attach(&f, &f.holders[0], f.a);
	attach(&f, &f.holders[1], f.a);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	assert_int_equal(f.holders[1].user.provider, 0);
	world_close(&f.w);
}

static void a_user_may_be_freed_as_soon_as_it_is_detached(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	for (size_t i = 0; i < 5; i++) {
		struct holder *holder = calloc(1, sizeof(*holder));

		assert_non_null(holder);
		holder->user.revoke = let_go;
		holder->freed = true;
		attach(&f, holder, f.a);
	}
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	world_close(&f.w);
}

static void nobody_attaches_to_what_is_being_removed(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	f.holders[0].p2p = f.w.p2p;
	attach(&f, &f.holders[0], f.a);
	assert_int_equal(phyr_p2p_remove(f.w.p2p, f.a), PHYR_OK);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.a, &f.holders[0].user), PHYR_E_NOENT);
	world_close(&f.w);
}

static void a_user_is_attached_once(void **state)
{
	struct fixture f;

	(void)state;
	open(&f);
	attach(&f, &f.holders[0], f.a);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.a, &f.holders[0].user), PHYR_E_EXISTS);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.b, &f.holders[0].user), PHYR_E_EXISTS);
	assert_int_equal(f.holders[0].user.provider, f.a);
	phyr_p2p_detach(&f.holders[0].user);
	phyr_p2p_detach(&f.holders[0].user);
	phyr_p2p_detach(NULL);
	attach(&f, &f.holders[0], f.b);
	phyr_p2p_detach(&f.holders[0].user);
	world_close(&f.w);
}

static void attaching_refuses_what_is_not_there(void **state)
{
	struct fixture f;
	struct phyr_p2p_user *user = &f.holders[0].user;

	(void)state;
	open(&f);
	assert_int_equal(phyr_p2p_attach(NULL, f.a, user), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.a, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, 0, user), PHYR_E_NOENT);
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.b + 1, user), PHYR_E_NOENT);
	user->revoke = NULL;
	assert_int_equal(phyr_p2p_attach(f.w.p2p, f.a, user), PHYR_E_INVAL);
	assert_true(!user->provider && !user->place);
	world_close(&f.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_user_is_told_once_and_the_provider_goes),
		cmocka_unit_test(users_of_other_providers_are_left_alone),
		cmocka_unit_test(a_user_that_stays_keeps_the_provider),
		cmocka_unit_test(two_users_that_stay_are_users_as_before),
		cmocka_unit_test(a_revoke_may_detach_other_users_too),
		cmocka_unit_test(a_stubborn_user_may_be_detached_by_one_that_is_told_later),
		cmocka_unit_test(a_user_may_be_freed_as_soon_as_it_is_detached),
		cmocka_unit_test(nobody_attaches_to_what_is_being_removed),
		cmocka_unit_test(a_user_is_attached_once),
		cmocka_unit_test(attaching_refuses_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
