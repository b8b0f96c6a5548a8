/* SPDX-License-Identifier: MIT */
/*
 * Every page-table format in every configuration, and what is lost of permissions and attributes in
 * those that cannot say them.
 */
#ifndef PHYR_PAGETABLE_CONFIGS_H
#define PHYR_PAGETABLE_CONFIGS_H

#include <phyrsim/pagetable.h>

#define KIB4 UINT64_C(0x1000)
#define RW PHYR_PERM_READ_WRITE
#define RO PHYR_PERM_READ
#define WO PHYR_PERM_WRITE

#define VTD PHYRSIM_FORMAT_VTD_SS
#define AMD PHYRSIM_FORMAT_AMD_V1
#define X86 PHYRSIM_FORMAT_X86_FS
#define ARM1 PHYRSIM_FORMAT_ARM_S1
#define ARM2 PHYRSIM_FORMAT_ARM_S2
#define RV1 PHYRSIM_FORMAT_RISCV_S1
#define RV2 PHYRSIM_FORMAT_RISCV_S2

#define ATTRS_ALL \
	(PHYRSIM_ATTR_UNCACHED | PHYRSIM_ATTR_MMIO | PHYRSIM_ATTR_NOEXEC | PHYRSIM_ATTR_PRIVILEGED)

#define COHERENT PHYRSIM_FEATURE_COHERENT
#define CONT PHYRSIM_FEATURE_CONTIGUOUS
#define WIDE PHYRSIM_FEATURE_WIDE
#define PBMT PHYRSIM_FEATURE_PBMT

/* What a table is made with. */
struct config {
	enum phyrsim_format format;
	unsigned int level_cnt, granule_lg2, iova_bits, features;
};

static const struct config configs[] = {
	{ VTD, 3, 0, 0, 0 },
	{ VTD, 4, 0, 0, COHERENT },
	{ VTD, 5, 0, 0, PHYRSIM_FEATURE_WRITE_READS },
	{ AMD, 3, 0, 0, COHERENT },
	{ AMD, 4, 0, 0, 0 },
	{ AMD, 5, 0, 0, COHERENT },
	{ AMD, 6, 0, 0, COHERENT },
	{ X86, 4, 0, 0, 0 },
	{ X86, 5, 0, 0, 0 },
	{ X86, 4, 0, 0, PHYRSIM_FEATURE_UNSIGNED },
	{ X86, 5, 0, 0, PHYRSIM_FEATURE_UNSIGNED },
	{ ARM1, 0, 12, 48, 0 },
	{ ARM1, 0, 12, 48, CONT | PHYRSIM_FEATURE_UPPER },
	{ ARM1, 0, 12, 32, CONT | PHYRSIM_FEATURE_DIRTY },
	{ ARM1, 0, 12, 52, CONT | WIDE },
	{ ARM1, 0, 14, 48, CONT },
	{ ARM1, 0, 14, 47, PHYRSIM_FEATURE_UPPER },
	{ ARM1, 0, 14, 52, CONT | WIDE },
	{ ARM1, 0, 16, 48, CONT },
	{ ARM1, 0, 16, 52, CONT | WIDE },
	{ ARM1, 0, 16, 36, CONT | PHYRSIM_FEATURE_UPPER },
	{ ARM2, 0, 12, 40, CONT },
	{ ARM2, 0, 12, 42, 0 },
	{ ARM2, 0, 12, 48, CONT | PHYRSIM_FEATURE_FWB },
	{ ARM2, 0, 12, 52, CONT | WIDE },
	{ ARM2, 0, 14, 40, CONT },
	{ ARM2, 0, 14, 48, CONT | PHYRSIM_FEATURE_DIRTY },
	{ ARM2, 0, 16, 44, CONT },
	{ ARM2, 0, 16, 48, 0 },
	{ ARM2, 0, 16, 52, CONT | WIDE },
	{ RV1, 3, 0, 0, CONT | PBMT },
	{ RV1, 4, 0, 0, 0 },
	{ RV1, 5, 0, 0, CONT },
	{ RV2, 3, 0, 0, 0 },
	{ RV2, 4, 0, 0, CONT | PBMT },
	{ RV2, 5, 0, 0, CONT },
};

/* How many there are. */
#define CONFIG_CNT (sizeof(configs) / sizeof(configs[0]))

static inline struct phyrsim_pagetable_params
config_params(const struct config *config, const struct phyr_mem *mem, struct phyrsim_mem *frames)
{
	struct phyrsim_pagetable_params params = {
		.mem = mem,
		.frames = frames,
		.format = config->format,
		.level_cnt = config->level_cnt,
		.granule_lg2 = config->granule_lg2,
		.iova_bits = config->iova_bits,
		.features = config->features,
	};

	return params;
}

/* Are there two halves of I/O addresses, with a hole between them? */
static inline bool config_signed(const struct config *config)
{
	return (config->format == X86 && !(config->features & PHYRSIM_FEATURE_UNSIGNED)) ||
	       config->format == RV1;
}

/* Does hardware mark what is written? */
static inline bool config_tracks(const struct config *config)
{
	return (config->format != ARM1 && config->format != ARM2) ||
	       (config->features & PHYRSIM_FEATURE_DIRTY);
}

/* Is what may be written dirty as soon as it is mapped? VT-d and AMD begin clean. */
static inline bool config_starts_dirty(const struct config *config)
{
	return config->format != VTD && config->format != AMD && config_tracks(config);
}

/* What a permission becomes in formats that cannot say it. */
static inline unsigned int perm_of(const struct config *config, unsigned int perm)
{
	bool reads = config->format == X86 || config->format == ARM1 || config->format == RV1 ||
		     config->format == RV2 || (config->features & PHYRSIM_FEATURE_WRITE_READS);

	return reads ? perm | RO : perm;
}

/* What attributes become in formats that cannot say them; where both are asked for, MMIO wins. */
static inline unsigned int attrs_of(const struct config *config, unsigned int attrs)
{
	static const unsigned int said[PHYRSIM_FORMAT_CNT] = {
		[X86] = PHYRSIM_ATTR_NOEXEC | PHYRSIM_ATTR_PRIVILEGED,	     [ARM1] = ATTRS_ALL,
		[ARM2] = ATTRS_ALL & ~(unsigned int)PHYRSIM_ATTR_PRIVILEGED, [RV1] = ATTRS_ALL,
		[RV2] = ATTRS_ALL & ~(unsigned int)PHYRSIM_ATTR_PRIVILEGED,
	};

	if (attrs & PHYRSIM_ATTR_MMIO)
		attrs &= ~(unsigned int)PHYRSIM_ATTR_UNCACHED;
	if ((config->format == RV1 || config->format == RV2) && !(config->features & PBMT))
		attrs &= ~(unsigned int)(PHYRSIM_ATTR_UNCACHED | PHYRSIM_ATTR_MMIO);
	return attrs & said[config->format];
}

#endif
