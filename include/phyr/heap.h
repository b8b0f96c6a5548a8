/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The C library's malloc as an allocator hook, for programs that have one.
 */
#ifndef PHYR_HEAP_H
#define PHYR_HEAP_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @brief Hooks over malloc() and free().
 *
 * @return a constant table, valid for ever
 * @complexity O(1)
 * @threads any
 */
PHYR_API const struct phyr_mem *phyr_heap_mem(void);

#ifdef __cplusplus
}
#endif

#endif
