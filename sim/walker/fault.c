/* SPDX-License-Identifier: MIT */
/* The names of faults. */
#include <phyrsim/walker.h>

static const char *const names[PHYRSIM_FAULT_CNT] = {
	[PHYRSIM_FAULT_NONE] = "none",
	[PHYRSIM_FAULT_WIDTH] = "width",
	[PHYRSIM_FAULT_NOT_PRESENT] = "not present",
	[PHYRSIM_FAULT_READ] = "read",
	[PHYRSIM_FAULT_WRITE] = "write",
	[PHYRSIM_FAULT_RESERVED] = "reserved",
	[PHYRSIM_FAULT_MEMORY] = "memory",
	[PHYRSIM_FAULT_ALIGN] = "align",
	[PHYRSIM_FAULT_GROUP] = "group",
	[PHYRSIM_FAULT_ACCESSED] = "accessed",
	[PHYRSIM_FAULT_PRIVILEGE] = "privilege",
	[PHYRSIM_FAULT_SIZE] = "size",
	[PHYRSIM_FAULT_LEVEL] = "level",
};

const char *phyrsim_fault_name(enum phyrsim_fault fault)
{
	return (unsigned int)fault < PHYRSIM_FAULT_CNT ? names[fault] : "?";
}
