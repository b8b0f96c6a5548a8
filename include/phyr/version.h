/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The version of libphyr, in the one place that everything else reads.
 */
#ifndef PHYR_VERSION_H
#define PHYR_VERSION_H

/** Major version; the ABI is promised from 1 on. */
#define PHYR_VERSION_MAJOR 0
/** Minor version; before 1.0 the SONAME moves with it. */
#define PHYR_VERSION_MINOR 1
/** Patch version. */
#define PHYR_VERSION_PATCH 0

#endif
