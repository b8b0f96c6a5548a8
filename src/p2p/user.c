/* SPDX-License-Identifier: MIT */
/*
 * Who uses a provider, and how they are told that it goes.
 *
 * Threads attach and detach at once, so a provider's users are under a lock. It is not held while
 * users are told: each is first moved to a list of those who were, from where it detaches itself,
 * or is detached by another, in the same way. So everybody is told once, in whatever order they
 * leave.
 */
#include "p2p.h"

/* Under the lock. */
static void put(struct phyr_p2p_user *user, struct phyr_p2p_user **head)
{
	user->next = *head;
	user->link = head;
	if (user->next)
		user->next->link = &user->next;
	*head = user;
}

/* Under the lock. */
static void pull(struct phyr_p2p_user *user)
{
	*user->link = user->next;
	if (user->next)
		user->next->link = user->link;
}

int phyr_p2p_attach(struct phyr_p2p *p2p, uint32_t provider, struct phyr_p2p_user *user)
{
	struct phyr_p2p_provider *found;
	int err = PHYR_E_NOENT;

	if (!p2p || !user || !user->revoke)
		return PHYR_E_INVAL;
	if (user->place)
		return PHYR_E_EXISTS;
	found = phyr_p2p_provider_at(p2p, provider);
	if (!found)
		return PHYR_E_NOENT;
	phyr_lock_take(&found->lock);
	if (!found->going) {
		user->place = found;
		user->provider = provider;
		put(user, &found->users);
		err = PHYR_OK;
	}
	phyr_lock_give(&found->lock);
	return err;
}

void phyr_p2p_detach(struct phyr_p2p_user *user)
{
	struct phyr_lock *lock;

	if (!user || !user->place)
		return;
	lock = &user->place->lock;
	phyr_lock_take(lock);
	pull(user);
	user->next = NULL;
	user->link = NULL;
	user->place = NULL;
	user->provider = 0;
	phyr_lock_give(lock);
}

/* The next user to tell, who is now among those who were; NULL when there is none left. */
static struct phyr_p2p_user *next_to_tell(struct phyr_p2p_provider *provider,
					  struct phyr_p2p_user **told)
{
	struct phyr_p2p_user *user;

	phyr_lock_take(&provider->lock);
	provider->going = true;
	user = provider->users;
	if (user) {
		pull(user);
		put(user, told);
	}
	phyr_lock_give(&provider->lock);
	return user;
}

int phyr_p2p_revoke(struct phyr_p2p_provider *provider)
{
	struct phyr_p2p_user *told = NULL, *user;
	int err;

	while ((user = next_to_tell(provider, &told)))
		user->revoke(user);
	phyr_lock_take(&provider->lock);
	err = told ? PHYR_E_BUSY : PHYR_OK;
	/* Who did not leave is a user as before. */
	while ((user = told)) {
		pull(user);
		put(user, &provider->users);
	}
	provider->going = false;
	phyr_lock_give(&provider->lock);
	return err;
}
