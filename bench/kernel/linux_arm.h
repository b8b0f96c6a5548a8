/* SPDX-License-Identifier: MIT */
/* Linux's page tables for Arm, stage 1 with a granule of 4K, behind the types of this library. */
#ifndef LINUX_ARM_H
#define LINUX_ARM_H

#include <phyr/base.h>

struct linux_arm;

struct linux_arm *linux_arm_create(void);

/* Maps runs one after another, each in as few calls as pages of 4K, 2M and 1G allow. */
int linux_arm_map(struct linux_arm *arm, phyr_iova iova, const struct phyr_range *runs,
		  size_t run_cnt);

/* Unmaps a range in as few calls; a table that lies whole in it is freed with one of them. */
int linux_arm_unmap(struct linux_arm *arm, struct phyr_iova_range range);

/* Unmaps page by page; tables stay. */
int linux_arm_unmap_pages(struct linux_arm *arm, struct phyr_iova_range range);

/* The leaf for an address, as it stands in memory. */
uint64_t linux_arm_entry(const struct linux_arm *arm, phyr_iova iova);

#endif
