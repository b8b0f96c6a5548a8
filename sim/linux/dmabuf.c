/* SPDX-License-Identifier: MIT */
/*
 * From phys_vec to a scatterlist, for dma-buf: where lengths of 32 bits and cuts at odd bytes hurt.
 *
 * Not here: who may reach the memory (phyr/p2p.h).
 */
#include <phyr/bits.h>
#include <phyrsim/linux_dmabuf.h>

/* How long ranges are cut: as they were, and as was proposed in 2026. */
#define SPLIT_ODD UINT64_C(0xffffffff)
#define SPLIT_WHOLE (UINT64_C(1) << 31)

struct build {
	const struct phyrsim_linux_dmabuf *dmabuf;
	struct phyr_iova_range *entries;
	size_t entry_max;
	struct phyrsim_linux_dmabuf_result result;
};

static bool has(const struct build *build, enum phyrsim_linux_quirk quirk)
{
	return build->dmabuf->quirks & (unsigned int)quirk;
}

/* LENGTH_32: as an unsigned int holds it. */
static uint64_t as_kept(const struct build *build, uint64_t number)
{
	return has(build, PHYRSIM_LINUX_LENGTH_32) ? (uint32_t)number : number;
}

static void put(struct build *build, uint64_t iova, uint64_t len, uint64_t right)
{
	struct phyrsim_linux_dmabuf_result *result = &build->result;

	if (result->entry_cnt < build->entry_max) {
		build->entries[result->entry_cnt].iova = phyr_iova_at(iova);
		build->entries[result->entry_cnt].len = len;
	}
	result->entry_cnt++;
	result->told_len += len;
	result->wrong_len += iova == right ? 0 : len;
	result->ragged_cnt += !phyr_bits_aligned(iova, PHYR_PAGE_LG2);
}

/* A range of I/O addresses as entries; where the nth one begins was multiplied in 32 bits. */
static void cut(struct build *build, uint64_t iova, uint64_t len)
{
	uint64_t split = has(build, PHYRSIM_LINUX_ODD_SPLIT) ? SPLIT_ODD : SPLIT_WHOLE;
	uint64_t offset = 0;

	while (len) {
		uint64_t part = len < split ? len : split;

		put(build, iova + as_kept(build, offset), part, iova + offset);
		offset += part;
		len -= part;
	}
}

static int check(const struct phyrsim_linux_dmabuf *dmabuf, uint64_t *ret_len)
{
	uint64_t last, bits = dmabuf->mapped ? dmabuf->base.addr : 0;

	*ret_len = 0;
	for (size_t i = 0; i < dmabuf->vec_cnt; i++) {
		const struct phyr_range *vec = &dmabuf->vecs[i];

		if (vec->len == 0)
			return PHYR_E_INVAL;
		if (!phyr_bits_last(vec->pa.addr, vec->len, &last) ||
		    __builtin_add_overflow(*ret_len, vec->len, ret_len))
			return PHYR_E_RANGE;
		bits |= vec->pa.addr | vec->len;
	}
	if (dmabuf->mapped && !phyr_bits_last(dmabuf->base.addr, *ret_len, &last))
		return PHYR_E_RANGE;
	return phyr_bits_aligned(bits, PHYR_PAGE_LG2) ? PHYR_OK : PHYR_E_ALIGN;
}

/* Links every vec behind the ones before it, or all of them at 0; then the whole is cut. */
static int build_mapped(struct build *build)
{
	for (size_t i = 0; i < build->dmabuf->vec_cnt; i++) {
		if (i && has(build, PHYRSIM_LINUX_LINK_AT_ZERO))
			return PHYR_E_EXISTS;
		build->result.link_cnt++;
		build->result.linked_len += build->dmabuf->vecs[i].len;
	}
	cut(build, build->dmabuf->base.addr, as_kept(build, build->result.len));
	return PHYR_OK;
}

static int build_direct(struct build *build)
{
	for (size_t i = 0; i < build->dmabuf->vec_cnt; i++) {
		const struct phyr_range *vec = &build->dmabuf->vecs[i];

		cut(build, vec->pa.addr + build->dmabuf->bus_offset, vec->len);
	}
	return PHYR_OK;
}

int phyrsim_linux_dmabuf_entries(const struct phyrsim_linux_dmabuf *dmabuf,
				 struct phyr_iova_range *entries, size_t entry_max,
				 struct phyrsim_linux_dmabuf_result *ret_result)
{
	struct build build = { dmabuf, entries, entry_max, { .len = 0 } };
	int err;

	if (!dmabuf || !dmabuf->vecs || dmabuf->vec_cnt == 0 || (!entries && entry_max) ||
	    !ret_result)
		return PHYR_E_INVAL;
	err = check(dmabuf, &build.result.len);
	if (!err)
		err = dmabuf->mapped ? build_mapped(&build) : build_direct(&build);
	if (!err)
		*ret_result = build.result;
	return err;
}
