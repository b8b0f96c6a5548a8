/* SPDX-License-Identifier: MIT */
/*
 * Pinning through /proc/self/pagemap: one 64-bit entry for each page of the system's size, with
 * the frame number in the low bits and a present bit on top. A process without CAP_SYS_ADMIN can
 * read it too, and sees every frame number as 0.
 *
 * Runs are gathered in a list of their own and appended at the end, so that a page that is swapped
 * out halfway leaves the caller's list alone.
 *
 * Not here: holding the pages (a snapshot holds nothing), other processes' memory.
 */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <phyr/bits.h>
#include <phyr/pin.h>

/* Entries in one read: 8 KiB of stack; more is not faster. */
#define BATCH_CNT 1024
#define ENTRY_FRAME_MASK phyr_bits_mask(55)
#define ENTRY_PRESENT (UINT64_C(1) << 63)
/* The longest list. */
#define LIST_LEN_MAX (UINT64_MAX - (PHYR_PAGE_SIZE - 1))

/* A range on its way from the page map to a list. */
struct pinning {
	struct phyr_list runs; /* closed runs so far */
	struct phyr_range run; /* the run in hand; len 0 = none */
	uint64_t va;	       /* next byte to look up */
	uint64_t last;	       /* last byte to look up */
	unsigned int page_lg2; /* the system's page size */
	int fd;
	struct phyr_pin_error error;
};

static int refused(struct pinning *pin, int os_errno)
{
	pin->error.os_errno = os_errno;
	return os_errno == EACCES || os_errno == EPERM ? PHYR_E_PERM : PHYR_E_IO;
}

/* Reads entries of the pages from pin->va on; *ret_cnt is 0 where no process memory can be. */
static int read_entries(struct pinning *pin, uint64_t *entries, uint64_t cnt, uint64_t *ret_cnt)
{
	off_t at = (off_t)((pin->va >> pin->page_lg2) * sizeof(*entries));
	ssize_t got;

	do
		got = pread(pin->fd, entries, (size_t)cnt * sizeof(*entries), at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return refused(pin, errno);
	*ret_cnt = (uint64_t)got / sizeof(*entries);
	return PHYR_OK;
}

/* All pages are there and at least one shows its frame; only aliases of frame 0 really have 0. */
static int check_entries(struct pinning *pin, const uint64_t *entries, uint64_t cnt)
{
	uint64_t present = ENTRY_PRESENT;
	uint64_t seen = 0;
	uint64_t i;

	for (i = 0; i < cnt; i++) {
		present &= entries[i];
		seen |= entries[i];
	}
	if (present)
		return seen & ENTRY_FRAME_MASK ? PHYR_OK : PHYR_E_PERM;
	for (i = 0; entries[i] & ENTRY_PRESENT; i++)
		;
	pin->error.va = phyr_bits_down(pin->va, pin->page_lg2) + (i << pin->page_lg2);
	return PHYR_E_NOENT;
}

static int close_run(struct pinning *pin)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

	return pin->run.len ? phyr_list_append(&pin->runs, pin->run, ram) : PHYR_OK;
}

/* Appends runs here rather than pages in the list: an add and a compare a page. */
static int take_entries(struct pinning *pin, const uint64_t *entries, uint64_t cnt)
{
	uint64_t page_mask = phyr_bits_mask(pin->page_lg2);

	for (uint64_t i = 0; i < cnt; i++) {
		uint64_t page_last = pin->va | page_mask;
		uint64_t last = page_last < pin->last ? page_last : pin->last;
		uint64_t pa = ((entries[i] & ENTRY_FRAME_MASK) << pin->page_lg2) |
			      (pin->va & page_mask);
		int err;

		if (pin->run.len == 0 || pin->run.pa.addr + pin->run.len != pa) {
			err = close_run(pin);
			if (err)
				return err;
			pin->run.pa.addr = pa;
			pin->run.len = 0;
		}
		pin->run.len += last - pin->va + 1;
		pin->va = last + 1;
	}
	return PHYR_OK;
}

static int take_range(struct pinning *pin)
{
	uint64_t left = phyr_bits_blocks(pin->va, pin->last, pin->page_lg2);
	uint64_t entries[BATCH_CNT];
	int err = PHYR_OK;

	while (!err && left > 0) {
		uint64_t cnt = left < BATCH_CNT ? left : BATCH_CNT;

		err = read_entries(pin, entries, cnt, &cnt);
		if (!err && cnt == 0) {
			pin->error.va = phyr_bits_down(pin->va, pin->page_lg2);
			err = PHYR_E_NOENT;
		}
		if (!err)
			err = check_entries(pin, entries, cnt);
		if (!err)
			err = take_entries(pin, entries, cnt);
		left -= cnt;
	}
	return err ? err : close_run(pin);
}

/* The page map is opened for each call: what it shows depends on who opened it. */
static int open_and_take(struct pinning *pin)
{
	int err;

	do
		pin->fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	while (pin->fd < 0 && errno == EINTR);
	if (pin->fd < 0)
		return refused(pin, errno);
	err = take_range(pin);
	(void)close(pin->fd);
	return err;
}

/* Only a list that cannot grow stops halfway: length and loan are known before, or at once. */
static int hand_over(const struct pinning *pin, uint64_t va, struct phyr_list *list)
{
	bool empty = phyr_list_len(list) == 0;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	int err = PHYR_OK;

	phyr_list_begin(&pin->runs, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = phyr_list_append(list, run.range, run.tag);
	if (empty && phyr_list_len(list) > 0)
		phyr_list_set_va(list, va);
	return err;
}

int phyr_pin_self(uint64_t va, uint64_t len, struct phyr_list *list,
		  struct phyr_pin_error *ret_error)
{
	struct pinning pin = { .va = va };
	int err;

	if (!list || len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(va, len, &pin.last) || len > LIST_LEN_MAX - phyr_list_len(list))
		return PHYR_E_RANGE;
	pin.page_lg2 = phyr_bits_log2((uint64_t)sysconf(_SC_PAGESIZE));
	phyr_list_init(&pin.runs, list->mem);
	err = open_and_take(&pin);
	if (!err)
		err = hand_over(&pin, va, list);
	phyr_list_fini(&pin.runs);
	if (ret_error && (err == PHYR_E_NOENT || err == PHYR_E_IO || err == PHYR_E_PERM))
		*ret_error = pin.error;
	return err;
}
