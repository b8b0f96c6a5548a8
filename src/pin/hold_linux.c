/* SPDX-License-Identifier: MIT */
/*
 * Locks by mlock(), pins by registering the memory as buffers of an io_uring that is never used:
 * the kernel takes long-term pins for these as it does for DMA, first moving the pages out of
 * where pinned ones may not be. The system calls are made directly: rings that are never used need
 * no library, and the sanitizers' mlock() is one that does nothing.
 *
 * What the system offers is found by asking it: a kernel without io_uring says ENOSYS, one that
 * forbids it EPERM.
 *
 * Not here: where the pages are (linux.c).
 */
#define _GNU_SOURCE /* mincore, MLOCK_ONFAULT, syscall */

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <phyr/bits.h>

#include "pin.h"

/* The longest registered buffer, and the most of them. */
#define BUFFER_LG2 30
#define BUFFER_MAX 16384
/* Pages in one question about what is mapped. */
#define ASK_CNT 1024

struct phyr_pin {
	const struct phyr_mem *mem;
	void *first; /* a page border */
	size_t len;  /* [bytes] whole pages */
	unsigned int page_lg2;
	int ring; /* −1: pages are locked, not pinned */
};

/* The page map cannot tell a hole from a page that was not touched yet; this can. */
static bool has_hole(const struct phyr_pin *pin, uint64_t *ret_va)
{
	unsigned char *at = pin->first;
	unsigned char *end = at + pin->len;
	unsigned char residency[ASK_CNT];
	size_t page_len = (size_t)phyr_bits_size(pin->page_lg2);
	size_t len = ASK_CNT * page_len;

	while (at < end) {
		if (len > (size_t)(end - at))
			len = (size_t)(end - at);
		if (mincore(at, len, residency) == 0) {
			at += len;
		} else if (errno == ENOMEM && len > page_len) {
			len = page_len;
		} else {
			*ret_va = (uint64_t)(uintptr_t)at;
			return errno == ENOMEM;
		}
	}
	return false;
}

/* What an errno means for locks and pins alike. */
static int refused(const struct phyr_pin *pin, const char *step, struct phyr_pin_error *error)
{
	int os_errno = errno;

	if ((os_errno == ENOMEM || os_errno == EFAULT || os_errno == EINVAL) &&
	    has_hole(pin, &error->va))
		return PHYR_E_NOENT;
	error->step = step;
	error->os_errno = os_errno;
	switch (os_errno) {
	case EACCES:
	case EFAULT:
	case EPERM:
		return PHYR_E_PERM;
	case EAGAIN:
	case ENOMEM:
		return PHYR_E_LIMIT;
	case ENOSYS:
	case EOPNOTSUPP:
		return PHYR_E_UNSUPPORTED;
	default:
		return PHYR_E_IO;
	}
}

static int call_mlock(const struct phyr_pin *pin, unsigned int flags)
{
	return (int)syscall(SYS_mlock2, pin->first, pin->len, flags);
}

static void unlock(const struct phyr_pin *pin)
{
	(void)syscall(SYS_munlock, pin->first, pin->len);
}

/* In two steps, so that ENOMEM means either the limit or a page that cannot be brought in. The
 * latter is left to whoever reads the page map next: it is not there. */
static int lock(const struct phyr_pin *pin, struct phyr_pin_error *error)
{
	int err = PHYR_OK;

	if (call_mlock(pin, MLOCK_ONFAULT) || (call_mlock(pin, 0) && errno != ENOMEM))
		err = refused(pin, "mlock2", error);
	if (err)
		unlock(pin);
	return err;
}

/* The range in pieces that can be registered. */
static size_t cut(const struct phyr_pin *pin, struct iovec *buffers)
{
	size_t max = (size_t)phyr_bits_size(BUFFER_LG2);
	size_t cnt = 0;

	for (size_t done = 0; done < pin->len; done += max) {
		size_t left = pin->len - done;

		buffers[cnt++] = (struct iovec){ (unsigned char *)pin->first + done,
						 left < max ? left : max };
	}
	return cnt;
}

static int register_buffers(struct phyr_pin *pin, struct iovec *buffers,
			    struct phyr_pin_error *error)
{
	struct io_uring_params params = { 0 };
	int err;

	pin->ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (pin->ring < 0)
		return refused(pin, "io_uring_setup", error);
	if (syscall(SYS_io_uring_register, pin->ring, IORING_REGISTER_BUFFERS, buffers,
		    cut(pin, buffers)) == 0)
		return PHYR_OK;
	err = refused(pin, "io_uring_register", error);
	(void)close(pin->ring);
	return err;
}

static int pin_down(struct phyr_pin *pin, struct phyr_pin_error *error)
{
	size_t cnt = (size_t)phyr_bits_blocks(0, pin->len - 1, BUFFER_LG2);
	struct iovec *buffers;
	int err;

	if (cnt > BUFFER_MAX) {
		error->step = "io_uring_register";
		return PHYR_E_LIMIT;
	}
	buffers = pin->mem->alloc(pin->mem->ctx, cnt * sizeof(*buffers));
	if (!buffers)
		return PHYR_E_NOMEM;
	err = register_buffers(pin, buffers, error);
	pin->mem->free(pin->mem->ctx, buffers, cnt * sizeof(*buffers));
	return err;
}

/* The whole pages of the range. No pointer reaches beyond the address space's last page, and nothing
 * is ever mapped there. */
static int set_range(struct phyr_pin *pin, const struct phyr_pin_params *params,
		     struct phyr_pin_error *error)
{
	const uint64_t end = phyr_bits_down(UINTPTR_MAX, pin->page_lg2);
	uint64_t first = phyr_bits_down(params->va, pin->page_lg2);
	uint64_t last = (params->va + params->len - 1) | phyr_bits_mask(pin->page_lg2);

	if (first >= end) {
		error->va = first;
		return PHYR_E_NOENT;
	}
	pin->first = (void *)(uintptr_t)first; /* NULL is a page like any other here */
	pin->len = (size_t)((last < end ? last : end - 1) - first + 1);
	if (last < end)
		return PHYR_OK;
	if (!has_hole(pin, &error->va))
		error->va = end;
	return PHYR_E_NOENT;
}

static int hold(struct phyr_pin *pin, const struct phyr_pin_params *params,
		struct phyr_pin_error *error)
{
	int err = set_range(pin, params, error);

	if (err)
		return err;
	return params->state == PHYR_PIN_LOCKED ? lock(pin, error) : pin_down(pin, error);
}

int phyr_pin_hold(const struct phyr_pin_params *params, struct phyr_pin **ret_pin,
		  struct phyr_pin_error *ret_error)
{
	const struct phyr_mem *mem = params->mem;
	struct phyr_pin *pin = mem->alloc(mem->ctx, sizeof(*pin));
	int err;

	if (!pin)
		return PHYR_E_NOMEM;
	pin->mem = mem;
	pin->page_lg2 = phyr_bits_log2((uint64_t)sysconf(_SC_PAGESIZE));
	pin->ring = -1;
	err = hold(pin, params, ret_error);
	if (err)
		mem->free(mem->ctx, pin, sizeof(*pin));
	else
		*ret_pin = pin;
	return err;
}

/* Unregistering waits for the pages; what closing alone frees, it frees later. */
void phyr_pin_release(struct phyr_pin *pin)
{
	if (!pin)
		return;
	if (pin->ring >= 0) {
		(void)syscall(SYS_io_uring_register, pin->ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
		(void)close(pin->ring);
	} else {
		unlock(pin);
	}
	pin->mem->free(pin->mem->ctx, pin, sizeof(*pin));
}
