/* SPDX-License-Identifier: MIT */
/*
 * Fragmenting free memory: a mapping of base pages is filled, and then one page in eight goes back,
 * chosen by chance. Neighbours of these are in use, so that the system cannot join them; it has
 * little else to give while most of its memory is held here.
 *
 * Not here: memory that cannot be moved. The system may compact what is held, when it is asked for
 * huge pages; base pages do not make it.
 */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include <phyr/bits.h>
#include <phyrsim/buffer.h>

/* Of the choice of pages, unless told otherwise: an arbitrary constant. */
#define SEED UINT64_C(0x9e3779b97f4a7c15)
/* How often progress is told. [bytes] */
#define PROGRESS_LEN (UINT64_C(64) << 20)

struct phyrsim_fragment {
	const struct phyr_mem *mem;
	unsigned char *map;
	size_t len; /* [bytes] */
};

int phyrsim_fragment_available(uint64_t *ret_len)
{
	unsigned long long kib = 0;
	bool found = false;
	char line[128];
	FILE *file;

	if (!ret_len)
		return PHYR_E_INVAL;
	file = fopen("/proc/meminfo", "re");
	if (!file)
		return PHYR_E_IO;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "MemAvailable: %llu kB", &kib) == 1;
	(void)fclose(file);
	if (!found)
		return PHYR_E_IO;
	*ret_len = (uint64_t)kib << 10;
	return PHYR_OK;
}

/* How much to fill. */
static int find_len(const struct phyrsim_fragment_params *params, size_t *ret_len)
{
	uint64_t available, max, len;
	int err;

	if (!params || !params->mem || (params->len == 0) == (params->percent == 0))
		return PHYR_E_INVAL;
	if (!phyr_bits_aligned(params->len, PHYR_PAGE_LG2))
		return PHYR_E_ALIGN;
	err = phyrsim_fragment_available(&available);
	if (err)
		return err;
	max = available / 100 * PHYRSIM_FRAGMENT_PERCENT_MAX;
	len = params->len;
	if (params->percent)
		len = phyr_bits_down(available / 100 * params->percent, PHYR_PAGE_LG2);
	if (len > max || len > PTRDIFF_MAX || params->percent > PHYRSIM_FRAGMENT_PERCENT_MAX)
		return PHYR_E_LIMIT;
	*ret_len = (size_t)len;
	return PHYR_OK;
}

static int failed(struct phyrsim_buffer_error *ret_error, const char *step)
{
	if (ret_error)
		*ret_error = (struct phyrsim_buffer_error){ step, errno, 0 };
	return PHYR_E_IO;
}

static void touch(struct phyrsim_fragment *fragment, const struct phyrsim_fragment_params *params)
{
	volatile unsigned char *page = fragment->map;
	size_t done = 0;

	while (done < fragment->len) {
		page[done] = 1;
		done += (size_t)PHYR_PAGE_SIZE;
		if (params->progress && (done % PROGRESS_LEN == 0 || done == fragment->len))
			params->progress(params->ctx, done, fragment->len);
	}
}

/* xorshift64: the state is never 0. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int give_back(struct phyrsim_fragment *fragment, uint64_t seed)
{
	size_t page_len = (size_t)PHYR_PAGE_SIZE;
	uint64_t state = seed ? seed : SEED;

	for (size_t at = 0; at < fragment->len; at += page_len)
		if (draw(&state) % PHYRSIM_FRAGMENT_SHARE == 0 &&
		    madvise(fragment->map + at, page_len, MADV_DONTNEED))
			return PHYR_E_IO;
	return PHYR_OK;
}

/* A system without huge pages does not know the advice, and does not need it. */
static int fill(struct phyrsim_fragment *fragment, const struct phyrsim_fragment_params *params,
		struct phyrsim_buffer_error *ret_error)
{
	void *map = mmap(NULL, fragment->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	int err = PHYR_OK;

	if (map == MAP_FAILED)
		return failed(ret_error, "mmap");
	fragment->map = map;
	if (madvise(map, fragment->len, MADV_NOHUGEPAGE) && errno != EINVAL)
		err = failed(ret_error, "madvise");
	if (!err) {
		touch(fragment, params);
		err = give_back(fragment, params->seed);
		if (err)
			err = failed(ret_error, "madvise");
	}
	if (err)
		(void)munmap(map, fragment->len);
	return err;
}

int phyrsim_fragment_create(const struct phyrsim_fragment_params *params,
			    struct phyrsim_fragment **ret_fragment,
			    struct phyrsim_buffer_error *ret_error)
{
	struct phyrsim_fragment *fragment;
	size_t len;
	int err;

	errno = 0;
	err = ret_fragment ? find_len(params, &len) : PHYR_E_INVAL;
	if (err)
		return err == PHYR_E_IO ? failed(ret_error, "MemAvailable") : err;
	fragment = params->mem->alloc(params->mem->ctx, sizeof(*fragment));
	if (!fragment)
		return PHYR_E_NOMEM;
	fragment->mem = params->mem;
	fragment->len = len;
	err = fill(fragment, params, ret_error);
	if (err)
		params->mem->free(params->mem->ctx, fragment, sizeof(*fragment));
	else
		*ret_fragment = fragment;
	return err;
}

void phyrsim_fragment_destroy(struct phyrsim_fragment *fragment)
{
	if (!fragment)
		return;
	(void)munmap(fragment->map, fragment->len);
	fragment->mem->free(fragment->mem->ctx, fragment, sizeof(*fragment));
}
