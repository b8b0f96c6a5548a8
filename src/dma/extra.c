/* SPDX-License-Identifier: MIT */
/*
 * What a mapping keeps beside its value: made in one piece before anything is taken, so that of what
 * follows only the own list can fail for memory.
 */

#include "extra.h"

#include <string.h>

#include "unmap.h"

/* [bytes] of the record and its arrays; false: more than the host has. */
static bool storage_len(const struct plan *plan, size_t *ret_len)
{
	size_t slots_len, users_len;

	return !__builtin_mul_overflow(plan->slot_cnt, sizeof(struct slot), &slots_len) &&
	       !__builtin_mul_overflow(plan->user_cnt, sizeof(struct user), &users_len) &&
	       !__builtin_add_overflow(slots_len, users_len, ret_len) &&
	       !__builtin_add_overflow(*ret_len, sizeof(struct phyr_dma_extra), ret_len);
}

struct phyr_dma_extra *phyr_extra_create(struct phyr_dma *dma, const struct plan *plan)
{
	const struct phyr_mem *mem = dma->params.mem;
	struct phyr_dma_extra *extra;
	size_t len;

	if (!storage_len(plan, &len))
		return NULL;
	extra = mem->alloc(mem->ctx, len);
	if (!extra)
		return NULL;
	memset(extra, 0, len);
	extra->dma = dma;
	extra->storage_len = len;
	extra->peer_len = plan->peer_len;
	extra->bridged = plan->peer_len != plan->bus_len;
	extra->slots.slot = (struct slot *)(void *)(extra + 1);
	extra->users = (struct user *)(void *)(extra->slots.slot + plan->slot_cnt);
	phyr_list_init(&extra->own, mem);
	return extra;
}

void phyr_extra_release(struct phyr_dma_extra *extra)
{
	phyr_slots_give(extra->dma, extra->slots);
	extra->slots.cnt = 0;
	for (size_t i = 0; i < extra->user_cnt; i++)
		phyr_p2p_detach(&extra->users[i].user);
	extra->user_cnt = 0;
}

void phyr_extra_destroy(struct phyr_dma_extra *extra)
{
	const struct phyr_mem *mem;

	if (!extra)
		return;
	mem = extra->dma->params.mem;
	phyr_extra_release(extra);
	phyr_list_fini(&extra->own);
	phyr_dma_batch_cancel(extra->batch);
	extra->dma->stats.list_len -= extra->kept_len;
	mem->free(mem->ctx, extra, extra->storage_len);
}

void phyr_extra_count(struct phyr_dma_extra *extra)
{
	struct phyr_list_stats stats;

	phyr_list_stats(&extra->own, &stats);
	extra->kept_len = extra->storage_len + stats.storage_len;
	extra->dma->stats.list_len += extra->kept_len;
}

int phyr_extra_use(struct phyr_dma_extra *extra, uint32_t provider)
{
	struct user *user = &extra->users[extra->user_cnt];
	int err;

	for (size_t i = extra->user_cnt; i > 0; i--) {
		if (extra->users[i - 1].user.provider == provider)
			return PHYR_OK;
	}
	user->extra = extra;
	user->user.revoke = phyr_mapping_revoke;
	err = phyr_p2p_attach(extra->dma->params.p2p, provider, &user->user);
	if (!err)
		extra->user_cnt++;
	return err;
}
