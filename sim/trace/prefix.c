/* SPDX-License-Identifier: MIT */
/*
 * What stands in a line before the arguments of its event:
 *
 *   ftrace       "   fio-269     [000] d.h1.    15.794285: unmap: …", flags and (tgid) optional
 *   trace-cmd    the same, with the task to the left
 *   perf script  "fio   269 [000]    15.794285: iommu:unmap: …"
 *   none         "unmap: …"; in the kernel's log something else may stand before it
 *
 * The task's name may hold anything, even brackets; the first number in brackets that a time and a
 * name follow is the CPU's.
 */
#include "scan.h"

#define NS_DIGITS 9

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == ':' || c == '-';
}

/* "NAME: " or "SYSTEM:NAME: "; the arguments are what is left. */
static bool read_name(struct scan *scan, struct phyrsim_trace_event *event)
{
	struct scan probe = *scan;
	const char *first = probe.at;

	while (probe.at < probe.end && in_name(*probe.at))
		probe.at++;
	if (probe.at - first < 2 || probe.at[-1] != ':')
		return false;
	event->name.len = (size_t)(probe.at - 1 - first);
	event->name.at = first;
	for (const char *at = first; at < probe.at - 1; at++) {
		if (*at == ':') {
			event->name.at = at + 1;
			event->name.len = (size_t)(probe.at - 1 - (at + 1));
		}
	}
	phyrsim_scan_blanks(&probe);
	event->args = scan_rest(&probe);
	*scan = probe;
	return event->name.len > 0;
}

/* "15.794285:" as nanoseconds, or "1234:" as it stands. */
static bool read_time(struct scan *scan, uint64_t *ret_time)
{
	struct scan probe = *scan;
	uint64_t time, digit;

	if (!phyrsim_scan_number(&probe, 10, &time))
		return false;
	if (phyrsim_scan_words(&probe, ".")) {
		for (unsigned int i = 0; i < NS_DIGITS; i++) {
			struct scan one = { probe.at, probe.at + (probe.at < probe.end) };

			digit = 0;
			if (phyrsim_scan_number(&one, 10, &digit))
				probe.at = one.at;
			if (__builtin_mul_overflow(time, UINT64_C(10), &time) ||
			    __builtin_add_overflow(time, digit, &time))
				return false;
		}
	}
	if (!phyrsim_scan_words(&probe, ":"))
		return false;
	phyrsim_scan_blanks(&probe);
	*ret_time = time;
	*scan = probe;
	return true;
}

/* Behind the CPU: flags or none, time, name. The third flag is that of interrupts. */
static bool read_behind_cpu(struct scan scan, struct phyrsim_trace_event *event)
{
	struct phyrsim_trace_text flags;

	phyrsim_scan_blanks(&scan);
	if (!read_time(&scan, &event->time)) {
		if (!phyrsim_scan_word(&scan, &flags) || flags.len < 4 || flags.len > 7)
			return false;
		event->interrupt = flags.at[2] != '.';
		phyrsim_scan_blanks(&scan);
		if (!read_time(&scan, &event->time))
			return false;
	}
	return read_name(&scan, event);
}

static const char *trim(const char *at, const char *end)
{
	while (end > at && end[-1] == ' ')
		end--;
	return end;
}

/* "TASK-PID", "TASK PID", and perhaps "(TGID)" behind them: the PID, or 0. */
static uint64_t read_pid(const char *at, const char *end)
{
	struct scan pid;
	uint64_t number;

	end = trim(at, end);
	if (end > at && end[-1] == ')') {
		while (end > at && *--end != '(')
			;
		end = trim(at, end);
	}
	pid.end = end;
	while (end > at && end[-1] >= '0' && end[-1] <= '9')
		end--;
	pid.at = end;
	if (end == at || (end[-1] != '-' && end[-1] != ' '))
		return 0;
	return phyrsim_scan_number(&pid, 10, &number) ? number : 0;
}

static bool read_full(struct phyrsim_trace_text line, struct phyrsim_trace_event *event)
{
	struct scan scan = scan_of(line);
	uint64_t cpu;

	while (phyrsim_scan_find(&scan, "[")) {
		struct scan probe = scan;

		if (!phyrsim_scan_number(&probe, 10, &cpu) || cpu >= PHYRSIM_TRACE_NO_CPU ||
		    !phyrsim_scan_words(&probe, "]"))
			continue;
		if (read_behind_cpu(probe, event)) {
			event->cpu = (unsigned int)cpu;
			event->pid = read_pid(line.at, scan.at - 1);
			return true;
		}
	}
	return false;
}

/* An event of mappings says IOMMU: behind its name, and is found by that wherever it stands. */
static bool read_bare(struct phyrsim_trace_text line, struct phyrsim_trace_event *event)
{
	struct scan scan = scan_of(line);

	event->cpu = PHYRSIM_TRACE_NO_CPU;
	event->interrupt = false;
	event->time = 0;
	phyrsim_scan_blanks(&scan);
	if (read_name(&scan, event))
		return true;
	if (!phyrsim_scan_find(&scan, ": IOMMU:"))
		return false;
	scan.at -= sizeof(" IOMMU:") - 1;
	while (scan.at > line.at && in_name(scan.at[-1]))
		scan.at--;
	return read_name(&scan, event);
}

bool phyrsim_trace_prefix(struct phyrsim_trace_text line, struct phyrsim_trace_event *event)
{
	return read_full(line, event) || read_bare(line, event);
}
