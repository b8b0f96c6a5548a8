/* SPDX-License-Identifier: MIT */
/*
 * Stops at our own and our callers' programming mistakes, in checked builds alone.
 *
 * Input gets result codes; this is for what no code can be returned for. PHYR_CHECKS comes from
 * the build option `checks`: 0 off, 1 cheap (constant time), 2 full (whole audits).
 */
#ifndef PHYR_BASE_CHECK_H
#define PHYR_BASE_CHECK_H

#ifndef PHYR_CHECKS
#define PHYR_CHECKS 0
#endif

#define PHYR_ASSERT(condition)                        \
	do {                                          \
		if (PHYR_CHECKS >= 1 && !(condition)) \
			__builtin_trap();             \
	} while (0)

#define PHYR_AUDIT(condition)                         \
	do {                                          \
		if (PHYR_CHECKS >= 2 && !(condition)) \
			__builtin_trap();             \
	} while (0)

#endif
