/* SPDX-License-Identifier: MIT */
/* Unpacking a seal into a list: the runs are appended, which makes the list what it was. */

#include <phyr/list.h>
#include <phyr/seal.h>

static int append_runs(const struct phyr_seal *seal, struct phyr_list *list)
{
	struct phyr_seal_cursor cursor;
	struct phyr_run run;
	int err = PHYR_OK;

	phyr_seal_begin(seal, &cursor);
	while (!err && phyr_seal_next(&cursor, &run))
		err = phyr_list_append(list, run.range, run.tag);
	return err;
}

int phyr_seal_open(const struct phyr_seal *seal, struct phyr_list *list)
{
	struct phyr_list_mark before;
	int err;

	if (!seal || !list || phyr_list_len(list))
		return PHYR_E_INVAL;
	if (list->borrow_cnt)
		return PHYR_E_BUSY;
	phyr_list_mark(list, &before);
	err = append_runs(seal, list);
	if (err)
		phyr_list_rollback(list, &before);
	else
		phyr_list_set_va(list, phyr_seal_va(seal));
	return err;
}
