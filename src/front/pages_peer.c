/* SPDX-License-Identifier: MIT */
/*
 * Pages that are peers' memory: whose they are, until they are unmapped or the provider is removed.
 *
 * A provider has a record for each way in which its pages are reached: the way may change while some
 * are mapped. It exists as long as there are such pages.
 */

#include <string.h>

#include "pages.h"

static size_t storage_len(const struct phyr_front_pages *pages)
{
	return sizeof(struct peer) + pages_bits_len(pages);
}

/* Unlinks what is linked of a peer; forgets the rest. */
static int take_all(struct peer *peer, struct sweep *sweep)
{
	uint64_t end = peer->pages->page_cnt;
	struct pages_span span = { bitmap_find(peer->bits, 0, end, true), 0 };

	while (span.first < end) {
		int err;

		span.end = bitmap_find(peer->bits, span.first, end, false);
		err = phyr_pages_take(peer->pages, sweep, span);
		if (err)
			return err;
		span.first = bitmap_find(peer->bits, span.end, end, true);
	}
	return PHYR_OK;
}

/* What the registry calls when a provider goes. */
static void revoke(struct phyr_p2p_user *user)
{
	struct peer *peer = (struct peer *)(void *)user;
	struct phyr_front_pages *pages = peer->pages;
	struct sweep sweep;

	phyr_sweep_begin(&sweep, pages->dma);
	/* If it fails the peer keeps pages and stays attached: the registry says that it is busy. */
	(void)take_all(peer, &sweep);
	pages->stats.flush_cnt += phyr_sweep_end(&sweep);
	phyr_pages_drop_peers(pages);
}

int phyr_pages_peer(struct phyr_front_pages *pages, uint32_t provider, bool bus,
		    struct peer **ret_peer)
{
	size_t len = storage_len(pages);
	struct peer *peer = pages->peers;
	int err;

	while (peer && (peer->user.provider != provider || peer->bus != bus))
		peer = peer->next;
	if (peer) {
		*ret_peer = peer;
		return PHYR_OK;
	}
	peer = pages->mem->alloc(pages->mem->ctx, len);
	if (!peer)
		return PHYR_E_NOMEM;
	memset(peer, 0, len);
	peer->user.revoke = revoke;
	peer->pages = pages;
	peer->bus = bus;
	err = phyr_p2p_attach(pages->p2p, provider, &peer->user);
	if (err) {
		pages->mem->free(pages->mem->ctx, peer, len);
		return err;
	}
	pages->stats.state_len += len;
	peer->next = pages->peers;
	pages->peers = peer;
	*ret_peer = peer;
	return PHYR_OK;
}

void phyr_pages_drop_peers(struct phyr_front_pages *pages)
{
	struct peer **link = &pages->peers;

	while (*link) {
		struct peer *peer = *link;

		if (peer->cnt) {
			link = &peer->next;
			continue;
		}
		*link = peer->next;
		phyr_p2p_detach(&peer->user);
		pages->stats.state_len -= storage_len(pages);
		pages->mem->free(pages->mem->ctx, peer, storage_len(pages));
	}
}
