/* SPDX-License-Identifier: MIT */
/* What the parts of the program share. */
#ifndef PHYRSIM_CLI_H
#define PHYRSIM_CLI_H

#include <phyr/recording.h>
#include <phyrsim/report.h>
#include <phyrsim/run.h>

/* Exit status. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILURE = 1, /* the world refused */
	STATUS_MISUSE = 2,  /* the command line is wrong */
};

/* The command line, checked. */
struct options {
	uint64_t size;		  /* [bytes] */
	uint64_t offset;	  /* [bytes] */
	enum phyrsim_pages pages; /* when pages_given */
	phyr_sizes device_sizes;  /* empty: the run's default */
	const char *save;	  /* NULL: do not */
	const char *load;	  /* NULL: this machine */
	enum phyrsim_report_format format;
	bool size_given;
	bool offset_given;
	bool pages_given;
	bool done; /* --help or --version was answered */
};

/* Reads the command line; says on stderr what is wrong with it. */
enum status options_parse(struct options *options, int argc, char **argv);

/* One line on stderr: "phyrsim: " and the message. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the tables are about: buffers, where they are from, what they took. */
struct input {
	struct phyr_recording *recording;
	const char *source;
	bool live;	   /* of this machine */
	double *provide_s; /* [seconds] for each buffer when live */
	double *pin_s;	   /* [seconds] for each buffer when live */
};

enum status input_open(struct input *input, const struct options *options);
void input_close(struct input *input);

/* Seconds on a clock that only goes forward. */
double seconds(void);

#endif
