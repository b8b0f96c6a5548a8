/* SPDX-License-Identifier: MIT */
/* A translation unit that is not empty, for headers that only define macros. */
extern int phyr_header_alone;
