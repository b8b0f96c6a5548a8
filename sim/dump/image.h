/* SPDX-License-Identifier: MIT */
/* The binary form, version 1: where the numbers of its head are. docs/table-dump.md specifies it. */
#ifndef PHYRSIM_DUMP_IMAGE_H
#define PHYRSIM_DUMP_IMAGE_H

#include "dump.h"

#define IMAGE_MAGIC_LEN 8
#define IMAGE_VERSION_AT 8 /* 4 bytes, as all up to the table */
#define IMAGE_FORMAT_AT 12
#define IMAGE_LEVELS_AT 16
#define IMAGE_GRANULE_AT 20
#define IMAGE_IOVA_BITS_AT 24
#define IMAGE_PA_BITS_AT 28
#define IMAGE_FEATURES_AT 32
#define IMAGE_ZERO_AT 36
#define IMAGE_TABLE_AT 40 /* 8 bytes, as the next */
#define IMAGE_FRAME_CNT_AT 48
#define IMAGE_HEAD_LEN 56
#define IMAGE_FRAME_LEN (8 + PHYR_PAGE_SIZE) /* the address, then the words */
#define IMAGE_VERSION 1

extern const unsigned char phyrsim_image_magic[IMAGE_MAGIC_LEN];

#endif
