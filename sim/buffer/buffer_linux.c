/* SPDX-License-Identifier: MIT */
/*
 * Real buffers: anonymous memory of this process, of base, transparent huge or reserved huge pages.
 *
 * A buffer of huge pages starts on their border, so that only memory can be missing, not
 * alignment; one of base pages is left wherever the system puts it. Advice that the system does not
 * know (it was built without huge pages) changes nothing: it then has base pages alone.
 *
 * Not here: fragmenting the memory that they come from.
 */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include <phyr/bits.h>
#include <phyrsim/buffer.h>

/* A huge page. [log2 bytes] */
#define HUGE_LG2 21
#define HUGE_FILE "/sys/kernel/mm/hugepages/hugepages-2048kB/"
/* The size of reserved pages is coded in mmap()'s flags: those of HUGE_LG2. */
#define HUGE_FLAGS (MAP_HUGETLB | (HUGE_LG2 << MAP_HUGE_SHIFT))

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
	if ((unsigned int)params->pages >= PHYRSIM_PAGES_CNT)
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(params->len | params->offset, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	/* No object of C is longer, and there has to be room to align it. */
	if (params->len > PTRDIFF_MAX - phyr_bits_size(HUGE_LG2))
		return PHYR_E_RANGE;
	return PHYR_OK;
}

/* A number that the system shows about its reserved pages; false if it does not. */
static bool read_number(const char *path, uint64_t *ret_number)
{
	FILE *file = fopen(path, "re");
	unsigned long long number;
	bool got;

	if (!file)
		return false;
	got = fscanf(file, "%llu", &number) == 1;
	(void)fclose(file);
	if (got)
		*ret_number = number;
	return got;
}

/* How many would have to be reserved for a mapping: those in use or promised, and its own. */
static int too_few(size_t len, struct phyrsim_buffer_error *error)
{
	uint64_t all, free, promised;

	if (!read_number(HUGE_FILE "nr_hugepages", &all))
		return PHYR_E_UNSUPPORTED;
	if (read_number(HUGE_FILE "free_hugepages", &free) &&
	    read_number(HUGE_FILE "resv_hugepages", &promised))
		error->reserve_cnt = all - free + promised + (len >> HUGE_LG2);
	return PHYR_E_LIMIT;
}

static int map(struct phyrsim_buffer *buffer, enum phyrsim_pages pages, size_t len,
	       struct phyrsim_buffer_error *error)
{
	size_t huge_len = (size_t)phyr_bits_size(HUGE_LG2);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	buffer->map_len = len;
	if (pages == PHYRSIM_PAGES_THP)
		buffer->map_len += huge_len;
	if (pages == PHYRSIM_PAGES_HUGETLB) {
		buffer->map_len = (len + huge_len - 1) & ~(huge_len - 1);
		flags |= HUGE_FLAGS;
	}
	buffer->map = mmap(NULL, buffer->map_len, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (buffer->map != MAP_FAILED)
		return PHYR_OK;
	error->step = "mmap";
	error->os_errno = errno;
	return pages == PHYRSIM_PAGES_HUGETLB ? too_few(buffer->map_len, error) : PHYR_E_IO;
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

/* Reserved pages need no advice. */
static int advise(unsigned char *bytes, size_t len, enum phyrsim_pages pages,
		  struct phyrsim_buffer_error *error)
{
	int advice = pages == PHYRSIM_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (pages == PHYRSIM_PAGES_HUGETLB || madvise(bytes, len, advice) == 0 || errno == EINVAL)
		return PHYR_OK;
	error->step = "madvise";
	error->os_errno = errno;
	return PHYR_E_IO;
}

static int fill(struct phyrsim_buffer *buffer, const struct phyrsim_buffer_params *params,
		struct phyrsim_buffer_error *error)
{
	size_t len = (size_t)params->len;
	int err = map(buffer, params->pages, len, error);
	unsigned char *bytes;

	if (err)
		return err;
	bytes = start(buffer, params->pages);
	err = advise(bytes, len, params->pages, error);
	if (err) {
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
	struct phyrsim_buffer_error error = { "", 0, 0 };
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
	err = fill(buffer, params, &error);
	if (err) {
		params->mem->free(params->mem->ctx, buffer, sizeof(*buffer));
		if (ret_error && err != PHYR_E_UNSUPPORTED)
			*ret_error = error;
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

uint64_t phyrsim_buffer_va(const struct phyrsim_buffer *buffer)
{
	return buffer->va;
}

uint64_t phyrsim_buffer_len(const struct phyrsim_buffer *buffer)
{
	return buffer->len;
}
