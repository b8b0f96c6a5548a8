/* SPDX-License-Identifier: MIT */
/* Sealing: one pass measures, a second writes what was measured. */

#include <phyr/list.h>
#include <phyr/seal.h>

#include "../base/check.h"
#include "pass.h"

static bool next_of_list(void *ctx, struct phyr_run *ret_run)
{
	return phyr_list_next(ctx, ret_run);
}

static void pass_over_list(const struct phyr_list *list, struct seal_outs *outs,
			   struct seal_sums *ret_sums)
{
	struct phyr_list_cursor cursor;
	struct seal_source source = { next_of_list, &cursor, phyr_list_len(list) };

	phyr_list_begin(list, &cursor);
	phyr_seal_pass(&source, outs, ret_sums);
}

static void measure(const struct phyr_list *list, struct seal_head *ret_head)
{
	struct seal_sums sums;

	pass_over_list(list, NULL, &sums);
	phyr_seal_head_of(&sums, phyr_list_va(list), ret_head);
}

int phyr_seal_size(const struct phyr_list *list, size_t *ret_len)
{
	struct seal_head head;

	if (!list || !ret_len)
		return PHYR_E_INVAL;
	measure(list, &head);
	if (head.size > SIZE_MAX)
		return PHYR_E_RANGE;
	*ret_len = (size_t)head.size;
	return PHYR_OK;
}

int phyr_seal_write(const struct phyr_list *list, void *buffer, size_t len,
		    struct phyr_seal *ret_seal)
{
	unsigned char *bytes = buffer;
	struct seal_outs outs;
	struct seal_sums sums;
	struct seal_head head;
	size_t checked_len;

	if (!list || !buffer || !ret_seal)
		return PHYR_E_INVAL;
	measure(list, &head);
	if (head.size > len)
		return PHYR_E_LIMIT;
	phyr_seal_head_put(bytes, &head);
	phyr_seal_outs_init(&outs, &head, bytes, NULL);
	pass_over_list(list, &outs, &sums);
	checked_len = (size_t)head.size - SEAL_TRAILER_LEN;
	PHYR_ASSERT(outs.body.at == checked_len);
	seal_store(bytes + checked_len, phyr_seal_crc(bytes, checked_len), SEAL_TRAILER_LEN);
	phyr_seal_set(ret_seal, bytes, &head);
	return PHYR_OK;
}
