/* SPDX-License-Identifier: MIT */
/* Does a window agree with itself? */

#include "pages.h"

static uint64_t popcount(uint64_t word)
{
	return (uint64_t)__builtin_popcountll(word);
}

static const char *audit_peers(const struct phyr_front_pages *pages, uint64_t *ret_bus_cnt)
{
	*ret_bus_cnt = 0;
	for (const struct peer *peer = pages->peers; peer; peer = peer->next) {
		uint64_t cnt = 0;

		for (size_t i = 0; i < bitmap_words(pages->page_cnt); i++)
			cnt += popcount(peer->bits[i]);
		if (cnt != peer->cnt)
			return "a peer's pages do not add up";
		if (cnt == 0 || !peer->user.provider)
			return "a peer without pages or provider";
		*ret_bus_cnt += peer->bus ? cnt : 0;
	}
	return NULL;
}

static const char *audit_words(const struct phyr_front_pages *pages, uint64_t *ret_mapped_cnt)
{
	*ret_mapped_cnt = 0;
	for (size_t i = 0; i < bitmap_words(pages->page_cnt); i++) {
		uint64_t seen = 0;

		for (const struct peer *peer = pages->peers; peer; peer = peer->next) {
			if (seen & peer->bits[i])
				return "a page is two peers'";
			seen |= peer->bits[i];
		}
		if (seen & ~pages->mapped[i])
			return "a peer's page is not mapped";
		*ret_mapped_cnt += popcount(pages->mapped[i]);
	}
	return NULL;
}

static const char *audit(const struct phyr_front_pages *pages)
{
	uint64_t bus_cnt, mapped_cnt;
	const char *reason = audit_peers(pages, &bus_cnt);

	if (!reason)
		reason = audit_words(pages, &mapped_cnt);
	if (reason)
		return reason;
	if (bitmap_find(pages->mapped, pages->page_cnt,
			bitmap_words(pages->page_cnt) * UINT64_C(64), true) /
		    64 <
	    bitmap_words(pages->page_cnt))
		return "a page behind the last";
	if (bus_cnt != pages->stats.bus_cnt ||
	    mapped_cnt != pages->stats.bus_cnt + pages->stats.linked_cnt)
		return "pages do not add up";
	return NULL;
}

bool phyr_front_pages_validate(const struct phyr_front_pages *pages, const char **ret_reason)
{
	const char *reason = pages ? audit(pages) : "no window";

	if (reason && ret_reason)
		*ret_reason = reason;
	return !reason;
}
