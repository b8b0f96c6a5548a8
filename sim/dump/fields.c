/* SPDX-License-Identifier: MIT */
/*
 * The entries of VT-d, AMD, x86 and RISC-V tables as data: which bits have which name and meaning,
 * and how pointers and leaves are told apart. From the documents that the walker's files name.
 *
 * A bit that is in no field of its kind is ignored by the hardware that the walker stands for.
 *
 * Not here: Arm (fields_arm.c); whether an entry is valid, which is the walker's to say.
 */
#include "dump.h"

#define CNT(array) (sizeof(array) / sizeof(*(array)))
#define ALWAYS 0, 0
#define READING "reading forbidden|reading allowed"
#define WRITING "writing forbidden|writing allowed"
#define ACCESSED "not used yet|used"
#define DIRTY "not written yet|written"
#define PRESENT "not present|present"

#define COHERENT PHYRSIM_FEATURE_COHERENT
#define CONTIGUOUS PHYRSIM_FEATURE_CONTIGUOUS

static const struct rule vtd_rules[] = {
	{ 0x3, 0, 0, 5, KIND_ABSENT },
	{ 0, 0, 0, 0, KIND_LEAF },
	{ 0x80, 0x80, 1, 2, KIND_LEAF },
	{ 0, 0, 1, 5, KIND_POINTER },
};

static const struct field vtd_fields[] = {
	{ 0, 0, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "R", READING },
	{ 1, 1, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "W", WRITING },
	{ 7, 7, KIND_BLOCK, USE_VALUE, G_ANY, 0, ALWAYS, "PS", "pointer|leaf" },
	{ 7, 7, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "PS", NULL },
	{ 8, 8, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "A", ACCESSED },
	{ 9, 9, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "D", DIRTY },
	{ 11, 11, KIND_LEAF, USE_VALUE, G_ANY, 0, COHERENT, 0, "SNP", "as asked|always snooped" },
	{ 11, 11, KIND_LEAF, USE_RESERVED, G_ANY, 0, 0, COHERENT, "SNP", NULL },
	{ 11, 11, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "SNP", NULL },
	{ 51, 12, KIND_PRESENT, USE_ADDRESS, G_ANY, 0, ALWAYS, "ADDR", NULL },
	{ 62, 62, KIND_PRESENT, USE_RESERVED, G_ANY, 0, ALWAYS, "TM", NULL },
};

static const struct rule amd_rules[] = {
	{ 0x1, 0, 0, 5, KIND_ABSENT },
	{ 0xe00, 0, 0, 5, KIND_LEAF },
	{ 0xe00, 0xe00, 0, 5, KIND_LEAF },
	{ 0, 0, 0, 5, KIND_POINTER },
};

static const struct field amd_fields[] = {
	{ 0, 0, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "PR", PRESENT },
	{ 5, 5, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "A", ACCESSED },
	{ 6, 6, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "D", DIRTY },
	{ 11, 9, KIND_PRESENT, USE_LEVEL, G_ANY, 0, ALWAYS, "NextLevel",
	  "leaf as large as an item|table of level 0|table of level 1|table of level 2|"
	  "table of level 3|table of level 4|table of level 5|leaf whose address tells its size" },
	{ 51, 12, KIND_PRESENT, USE_ADDRESS, G_ANY, 0, ALWAYS, "ADDR", NULL },
	{ 58, 52, KIND_PRESENT, USE_RESERVED, G_ANY, 0, ALWAYS, "reserved", NULL },
	{ 59, 59, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "U", "as asked|for device TLBs" },
	{ 60, 60, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "FC", "as asked|always coherent" },
	{ 61, 61, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "IR", READING },
	{ 62, 62, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "IW", WRITING },
};

static const struct rule x86_rules[] = {
	{ 0x1, 0, 0, 5, KIND_ABSENT },
	{ 0, 0, 0, 0, KIND_LEAF },
	{ 0x80, 0x80, 1, 2, KIND_LEAF },
	{ 0, 0, 1, 5, KIND_POINTER },
};

static const struct field x86_fields[] = {
	{ 0, 0, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "P", PRESENT },
	{ 1, 1, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "R/W", WRITING },
	{ 2, 2, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "U/S",
	  "for the privileged alone|for users too" },
	{ 3, 3, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "PWT", "write-back|write-through" },
	{ 4, 4, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "PCD", "cached|not cached" },
	{ 5, 5, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "A", ACCESSED },
	{ 6, 6, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "D", DIRTY },
	{ 7, 7, KIND_PAGE, USE_VALUE, G_ANY, 0, ALWAYS, "PAT", NULL },
	{ 7, 7, KIND_BLOCK, USE_VALUE, G_ANY, 0, ALWAYS, "PS", "pointer|leaf" },
	{ 7, 7, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "PS", NULL },
	{ 8, 8, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "G", "of one address space|global" },
	{ 12, 12, KIND_BLOCK, USE_VALUE, G_ANY, 0, ALWAYS, "PAT", NULL },
	{ 51, 12, KIND_POINTER | KIND_PAGE, USE_ADDRESS, G_ANY, 0, ALWAYS, "ADDR", NULL },
	{ 51, 13, KIND_BLOCK, USE_ADDRESS, G_ANY, 0, ALWAYS, "ADDR", NULL },
	{ 63, 63, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "XD",
	  "execution allowed|execution forbidden" },
};

static const struct rule riscv_rules[] = {
	{ 0x1, 0, 0, 5, KIND_ABSENT },
	{ 0xe, 0, 0, 5, KIND_POINTER },
	{ 0, 0, 0, 5, KIND_LEAF },
};

static const struct field riscv_fields[] = {
	{ 0, 0, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "V", PRESENT },
	{ 1, 1, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "R", READING },
	{ 2, 2, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "W", WRITING },
	{ 3, 3, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "X",
	  "execution forbidden|execution allowed" },
	{ 4, 4, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "U", "for the privileged alone|for users" },
	{ 4, 4, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "U", NULL },
	{ 5, 5, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "G", "of one address space|global" },
	{ 6, 6, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "A", ACCESSED },
	{ 7, 7, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "D", DIRTY },
	{ 7, 6, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "A, D", NULL },
	{ 9, 8, KIND_PRESENT, USE_VALUE, G_ANY, 0, ALWAYS, "RSW", "software's" },
	{ 53, 10, KIND_PRESENT, USE_ADDRESS, G_ANY, 2, ALWAYS, "PPN", NULL },
	{ 60, 54, KIND_PRESENT, USE_RESERVED, G_ANY, 0, ALWAYS, "reserved", NULL },
	{ 62, 61, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "PBMT",
	  "as the memory is|not cacheable|device|reserved" },
	{ 62, 61, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "PBMT", NULL },
	{ 63, 63, KIND_PAGE, USE_VALUE, G_ANY, 0, CONTIGUOUS, 0, "N",
	  "one page|one of the 16 items of a 64K leaf" },
	{ 63, 63, KIND_PAGE, USE_RESERVED, G_ANY, 0, 0, CONTIGUOUS, "N", NULL },
	{ 63, 63, KIND_BLOCK | KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "N", NULL },
};

static const struct shape vtd = { "vtd-ss", vtd_rules, vtd_fields, CNT(vtd_fields) };
static const struct shape amd = { "amd-v1", amd_rules, amd_fields, CNT(amd_fields) };
static const struct shape x86 = { "x86-fs", x86_rules, x86_fields, CNT(x86_fields) };
static const struct shape riscv_s1 = { "riscv-s1", riscv_rules, riscv_fields, CNT(riscv_fields) };
static const struct shape riscv_s2 = { "riscv-s2", riscv_rules, riscv_fields, CNT(riscv_fields) };

static const struct shape *const shapes[PHYRSIM_FORMAT_CNT] = {
	[PHYRSIM_FORMAT_VTD_SS] = &vtd,
	[PHYRSIM_FORMAT_AMD_V1] = &amd,
	[PHYRSIM_FORMAT_X86_FS] = &x86,
	[PHYRSIM_FORMAT_ARM_S1] = &phyrsim_dump_arm_s1,
	[PHYRSIM_FORMAT_ARM_S2] = &phyrsim_dump_arm_s2,
	[PHYRSIM_FORMAT_RISCV_S1] = &riscv_s1,
	[PHYRSIM_FORMAT_RISCV_S2] = &riscv_s2,
};

const struct shape *phyrsim_dump_shape(enum phyrsim_format format)
{
	return shapes[format];
}
