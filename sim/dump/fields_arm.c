/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of Arm VMSAv8-64 tables as data, from the Arm ARM, D8.3 and D8.4: where the address
 * stands depends on the granule and on 52-bit addresses. Our level n is 3 - n there.
 *
 * Memory types of stage 1 are those of MAIR as Linux sets it up (walker.h).
 */
#include "dump.h"

#define CNT(array) (sizeof(array) / sizeof(*(array)))
#define ALWAYS 0, 0
#define WIDE PHYRSIM_FEATURE_WIDE
#define FWB PHYRSIM_FEATURE_FWB
#define DIRTY PHYRSIM_FEATURE_DIRTY
#define CONTIGUOUS PHYRSIM_FEATURE_CONTIGUOUS
#define DIRTY_BY "marked by software|marked by hardware"
#define GROUPED "one item|one of a group"
#define SHARED "not shareable|reserved|outer shareable|inner shareable"

static const struct rule rules[] = {
	{ 0x1, 0, 0, 5, KIND_ABSENT },
	{ 0, 0, 0, 0, KIND_LEAF },
	{ 0x2, 0, 1, 5, KIND_LEAF },
	{ 0, 0, 1, 5, KIND_POINTER },
};

/* What both stages have, in the order of bits. */
/* clang-format off */
#define KIND_FIELDS                                                                         \
	{ 0, 0, KIND_ANY, USE_VALUE, G_ANY, 0, ALWAYS, "valid", "not present|present" },    \
	{ 1, 1, KIND_PAGE, USE_VALUE, G_ANY, 0, ALWAYS, "type", "reserved|page" },          \
	{ 1, 1, KIND_BLOCK | KIND_POINTER, USE_VALUE, G_ANY, 0, ALWAYS, "type", "block|table" }

#define SHARE_FIELDS                                                                        \
	{ 9, 8, KIND_LEAF, USE_VALUE, G_ANY, 0, 0, WIDE, "SH", SHARED },                    \
	{ 9, 8, KIND_LEAF, USE_VALUE, G64K, 0, WIDE, 0, "SH", SHARED },                     \
	{ 9, 8, KIND_PRESENT, USE_ADDRESS, G4K | G16K, 42, WIDE, 0, "OA[51:50]", NULL },    \
	{ 10, 10, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "AF", "not used yet|used" }

#define ADDRESS_FIELDS                                                                      \
	{ 15, 12, KIND_PRESENT, USE_ADDRESS, G64K, 36, WIDE, 0, "OA[51:48]", NULL },        \
	{ 15, 12, KIND_PRESENT, USE_RESERVED, G64K, 0, 0, WIDE, "reserved", NULL },         \
	{ 13, 12, KIND_PRESENT, USE_RESERVED, G16K, 0, ALWAYS, "reserved", NULL },          \
	{ 47, 12, KIND_PRESENT, USE_ADDRESS, G4K, 0, 0, WIDE, "OA[47:12]", NULL },          \
	{ 47, 14, KIND_PRESENT, USE_ADDRESS, G16K, 0, 0, WIDE, "OA[47:14]", NULL },         \
	{ 47, 16, KIND_PRESENT, USE_ADDRESS, G64K, 0, ALWAYS, "OA[47:16]", NULL },          \
	{ 49, 12, KIND_PRESENT, USE_ADDRESS, G4K, 0, WIDE, 0, "OA[49:12]", NULL },          \
	{ 49, 14, KIND_PRESENT, USE_ADDRESS, G16K, 0, WIDE, 0, "OA[49:14]", NULL },         \
	{ 49, 48, KIND_PRESENT, USE_RESERVED, G_ANY, 0, 0, WIDE, "reserved", NULL },        \
	{ 49, 48, KIND_PRESENT, USE_RESERVED, G64K, 0, WIDE, 0, "reserved", NULL },         \
	{ 50, 50, KIND_POINTER, USE_RESERVED, G_ANY, 0, ALWAYS, "reserved", NULL },         \
	{ 51, 51, KIND_LEAF, USE_VALUE, G_ANY, 0, DIRTY, 0, "DBM", DIRTY_BY },              \
	{ 52, 52, KIND_LEAF, USE_VALUE, G_ANY, 0, CONTIGUOUS, 0, "Contiguous", GROUPED }
/* clang-format on */

static const struct field s1_fields[] = {
	KIND_FIELDS,
	{ 4, 2, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "AttrIndx",
	  "normal non-cacheable|normal write-back|Device-nGnRE|normal inner non-cacheable|"
	  "Device-nGnRnE" },
	{ 6, 6, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "AP[1]",
	  "for the privileged alone|for users too" },
	{ 7, 7, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "AP[2]",
	  "writing allowed|writing forbidden" },
	SHARE_FIELDS,
	{ 11, 11, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "nG", "global|of one address space" },
	ADDRESS_FIELDS,
	{ 53, 53, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "PXN",
	  "privileged execution allowed|privileged execution forbidden" },
	{ 54, 54, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "UXN",
	  "user execution allowed|user execution forbidden" },
	{ 59, 59, KIND_POINTER, USE_VALUE, G_ANY, 0, ALWAYS, "PXNTable",
	  "as below|privileged execution forbidden below" },
	{ 60, 60, KIND_POINTER, USE_VALUE, G_ANY, 0, ALWAYS, "UXNTable",
	  "as below|user execution forbidden below" },
	{ 61, 61, KIND_POINTER, USE_VALUE, G_ANY, 0, ALWAYS, "APTable[0]",
	  "as below|for the privileged alone below" },
	{ 62, 62, KIND_POINTER, USE_VALUE, G_ANY, 0, ALWAYS, "APTable[1]",
	  "as below|writing forbidden below" },
};

static const struct field s2_fields[] = {
	KIND_FIELDS,
	{ 5, 2, KIND_LEAF, USE_VALUE, G_ANY, 0, 0, FWB, "MemAttr",
	  "Device-nGnRnE|Device-nGnRE|Device-nGRE|Device-GRE|reserved|normal non-cacheable|"
	  "outer non-cacheable, inner write-through|outer non-cacheable, inner write-back|reserved|"
	  "outer write-through, inner non-cacheable|normal write-through|"
	  "outer write-through, inner write-back|reserved|outer write-back, inner non-cacheable|"
	  "outer write-back, inner write-through|normal write-back" },
	{ 5, 2, KIND_LEAF, USE_VALUE, G_ANY, 0, FWB, 0, "MemAttr",
	  "Device-nGnRnE|Device-nGnRE|Device-nGRE|Device-GRE|reserved|normal non-cacheable|"
	  "forced write-back|as stage 1 says|reserved" },
	{ 6, 6, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "S2AP[0]",
	  "reading forbidden|reading allowed" },
	{ 7, 7, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "S2AP[1]",
	  "writing forbidden|writing allowed" },
	SHARE_FIELDS,
	ADDRESS_FIELDS,
	{ 54, 54, KIND_LEAF, USE_VALUE, G_ANY, 0, ALWAYS, "XN",
	  "execution allowed|execution forbidden" },
};

const struct shape phyrsim_dump_arm_s1 = { "arm-s1", rules, s1_fields, CNT(s1_fields) };
const struct shape phyrsim_dump_arm_s2 = { "arm-s2", rules, s2_fields, CNT(s2_fields) };
