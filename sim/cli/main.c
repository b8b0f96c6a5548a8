/* SPDX-License-Identifier: MIT */
/* phyrsim: options, input, runs, output; what they are is elsewhere. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <phyr/heap.h>

#include "cli.h"

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fputs("phyrsim: ", stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
	va_end(args);
}

static enum status run_buffer(const struct input *input, size_t index, phyr_sizes device_sizes,
			      struct phyrsim_report_item *item, struct phyrsim_result *result)
{
	struct phyrsim_run_params params = { phyr_heap_mem(), device_sizes };
	struct phyr_recording_buffer *buffer = phyr_recording_buffer(input->recording, index);
	struct phyrsim_run_error error = { "", 0, false };
	double start = seconds();
	int err = phyrsim_run(&params, &buffer->list, result, &error);

	if (err && error.mistranslated) {
		say("%s: %s: byte %llu is translated wrongly: a defect of this program",
		    buffer->title, error.step, (unsigned long long)error.offset);
		return STATUS_FAILURE;
	}
	if (err) {
		say("%s: %s: %s", buffer->title, error.step, phyr_strerror(err));
		return STATUS_FAILURE;
	}
	item->title = buffer->title;
	item->source = input->source;
	item->result = result;
	item->provide_s = input->live ? input->provide_s[index] : -1;
	item->run_s = input->live ? input->pin_s[index] + (seconds() - start) : -1;
	return STATUS_OK;
}

static enum status report(const struct options *options, const struct phyrsim_report_item *items,
			  size_t cnt)
{
	int err = phyrsim_report(stdout, options->format, items, cnt);

	if (err == PHYR_OK && fflush(stdout) == 0)
		return STATUS_OK;
	if (err == PHYR_E_NOMEM)
		say("the report: %s", phyr_strerror(err));
	else
		say("standard output cannot be written");
	return STATUS_FAILURE;
}

static enum status run(const struct options *options, const struct input *input)
{
	size_t cnt = phyr_recording_cnt(input->recording);
	struct phyrsim_report_item *items = calloc(cnt, sizeof(*items));
	struct phyrsim_result *results = calloc(cnt, sizeof(*results));
	enum status status = items && results ? STATUS_OK : STATUS_FAILURE;

	if (status)
		say("%s", phyr_strerror(PHYR_E_NOMEM));
	for (size_t i = 0; status == STATUS_OK && i < cnt; i++)
		status = run_buffer(input, i, options->device_sizes, &items[i], &results[i]);
	if (status == STATUS_OK)
		status = report(options, items, cnt);
	free(items);
	free(results);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct input input;
	enum status status = options_parse(&options, argc, argv);

	if (status || options.done)
		return status == STATUS_OK && fflush(stdout) ? STATUS_FAILURE : (int)status;
	status = input_open(&input, &options);
	if (status == STATUS_OK)
		status = run(&options, &input);
	input_close(&input);
	return (int)status;
}
