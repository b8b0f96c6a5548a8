/* SPDX-License-Identifier: MIT */
/*
 * Real buffers: anonymous memory of this process, with or without transparent huge pages.
 *
 * A buffer of huge pages starts on their border, so that only memory can be missing, not
 * alignment; one of base pages is left wherever the system puts it. Advice that the system does not
 * know (it was built without huge pages) changes nothing: it then has base pages alone.
 *
 * Not here: which frames lie below (phyr/pin.h), hugetlbfs.
 */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <sys/mman.h>

#include <phyr/bits.h>
#include <phyrsim/run.h>

/* A transparent huge page. [log2 bytes] */
#define HUGE_LG2 21

struct phyrsim_buffer {
	const struct phyr_mem *mem;
	void *map;	/* what the system gave */
	size_t map_len; /* [bytes] */
	uint64_t va;	/* first byte of the region, inside the mapping */
	uint64_t len;	/* [bytes] of the region */
};

static int check_params(const struct phyrsim_buffer_params *params)
{
	if (!params || !params->mem || params->len == 0 || params->offset >= params->len)
		return PHYR_E_INVAL;
	if (params->pages != PHYRSIM_PAGES_BASE && params->pages != PHYRSIM_PAGES_THP)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(params->len | params->offset, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	/* No object of C is longer, and there has to be room to align it. */
	if (params->len > PTRDIFF_MAX - phyr_bits_size(HUGE_LG2))
		return PHYR_E_RANGE;
	return PHYR_OK;
}

static int failed(struct phyrsim_buffer_error *ret_error, const char *step)
{
	if (ret_error)
		*ret_error = (struct phyrsim_buffer_error){ step, errno };
	return PHYR_E_IO;
}

/* The first byte of the buffer, which the mapping has room to align. */
static unsigned char *start(const struct phyrsim_buffer *buffer, enum phyrsim_pages pages)
{
	uintptr_t at = (uintptr_t)buffer->map;
	uintptr_t mask = (uintptr_t)phyr_bits_mask(HUGE_LG2);

	return (unsigned char *)buffer->map + (pages == PHYRSIM_PAGES_THP ? -at & mask : 0);
}

static void touch(unsigned char *bytes, size_t len)
{
	volatile unsigned char *page = bytes;

	for (size_t at = 0; at < len; at += (size_t)PHYR_PAGE_SIZE)
		page[at] = 1;
}

static int fill(struct phyrsim_buffer *buffer, const struct phyrsim_buffer_params *params,
		struct phyrsim_buffer_error *ret_error)
{
	bool huge = params->pages == PHYRSIM_PAGES_THP;
	size_t len = (size_t)params->len;
	unsigned char *bytes;

	buffer->map_len = len + (huge ? (size_t)phyr_bits_size(HUGE_LG2) : 0);
	buffer->map = mmap(NULL, buffer->map_len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer->map == MAP_FAILED)
		return failed(ret_error, "mmap");
	bytes = start(buffer, params->pages);
	if (madvise(bytes, len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) && errno != EINVAL) {
		int err = failed(ret_error, "madvise");

		(void)munmap(buffer->map, buffer->map_len);
		return err;
	}
	touch(bytes, len);
	buffer->va = (uint64_t)(uintptr_t)bytes + params->offset;
	buffer->len = params->len - params->offset;
	return PHYR_OK;
}

int phyrsim_buffer_create(const struct phyrsim_buffer_params *params,
			  struct phyrsim_buffer **ret_buffer,
			  struct phyrsim_buffer_error *ret_error)
{
	int err = check_params(params);
	struct phyrsim_buffer *buffer;

	if (err)
		return err;
	if (!ret_buffer)
		return PHYR_E_INVAL;
	buffer = params->mem->alloc(params->mem->ctx, sizeof(*buffer));
	if (!buffer)
		return PHYR_E_NOMEM;
	buffer->mem = params->mem;
	err = fill(buffer, params, ret_error);
	if (err) {
		params->mem->free(params->mem->ctx, buffer, sizeof(*buffer));
		return err;
	}
	*ret_buffer = buffer;
	return PHYR_OK;
}

void phyrsim_buffer_destroy(struct phyrsim_buffer *buffer)
{
	if (!buffer)
		return;
	(void)munmap(buffer->map, buffer->map_len);
	buffer->mem->free(buffer->mem->ctx, buffer, sizeof(*buffer));
}

int phyrsim_buffer_pin(const struct phyrsim_buffer *buffer, struct phyr_list *list,
		       struct phyr_pin_error *ret_error)
{
	if (!buffer)
		return PHYR_E_INVAL;
	return phyr_pin_self(buffer->va, buffer->len, list, ret_error);
}
