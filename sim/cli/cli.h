/* SPDX-License-Identifier: MIT */
/* What the parts of the program share. */
#ifndef PHYRSIM_CLI_H
#define PHYRSIM_CLI_H

#include <phyr/pin.h>
#include <phyr/recording.h>
#include <phyrsim/buffer.h>
#include <phyrsim/report.h>
#include <phyrsim/run.h>

/* Exit status. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILURE = 1, /* the world refused */
	STATUS_MISUSE = 2,  /* the command line is wrong */
};

/* How much memory to fragment. */
struct fragment_wish {
	uint64_t len;	  /* [bytes] */
	uint64_t percent; /* of what is available; 0: len */
};

/* The command line, checked. */
struct options {
	uint64_t size;		  /* [bytes] */
	uint64_t offset;	  /* [bytes] */
	uint64_t va;		  /* [process address] when pid is not 0 */
	uint32_t pid;		  /* whose memory; 0: fresh memory of this process */
	enum phyrsim_pages pages; /* when pages_given */
	enum phyr_pin_state state;
	struct fragment_wish fragment;
	phyr_sizes device_sizes; /* empty: the run's default */
	const char *title;	 /* NULL: by what it is */
	const char *save;	 /* NULL: do not */
	const char *load;	 /* NULL: this machine */
	enum phyrsim_report_format format;
	bool size_given;
	bool offset_given;
	bool pages_given;
	bool va_given;
	bool fragment_given;
	bool anonymise; /* hide where memory is */
	bool covering;	/* device pages may reach beyond the region */
	bool name_zero; /* the device names the region by zero */
	bool done;	/* --help or --version was answered */
};

struct option;

/* One thing the program does. */
struct command {
	const char *name;			      /* the first argument; NULL: none */
	const char *help;			      /* the text of --help */
	const struct option *known;		      /* what it takes, by enum letter */
	bool (*check)(const struct options *options); /* says what no option alone can know */
	enum status (*run)(const struct options *options);
};

extern const struct command command_run;
extern const struct command command_record;
extern const struct command command_explain;
extern const struct command command_cases;

/* Options by the value that getopt_long() returns for them. */
enum letter {
	LETTER_SIZE = 's',
	LETTER_PAGES = 'p',
	LETTER_OFFSET = 'o',
	LETTER_PIN = 'k',
	LETTER_PID = 'i',
	LETTER_VA = 'a',
	LETTER_FRAGMENT = 'g',
	LETTER_TITLE = 't',
	LETTER_SAVE = 'w',
	LETTER_ANONYMISE = 'n',
	LETTER_LOAD = 'r',
	LETTER_FORMAT = 'f',
	LETTER_SIZES = 'd',
	LETTER_NAME = 'e',
	LETTER_COVERING = 'c',
	LETTER_HELP = 'h',
	LETTER_VERSION = 'v',
};

/* What memory to look at: the same options for every command. */
#define MEMORY_OPTIONS                                                \
	{ "size", required_argument, NULL, LETTER_SIZE },             \
		{ "pages", required_argument, NULL, LETTER_PAGES },   \
		{ "offset", required_argument, NULL, LETTER_OFFSET }, \
		{ "pin", required_argument, NULL, LETTER_PIN },       \
		{ "pid", required_argument, NULL, LETTER_PID },       \
	{                                                             \
		"va", required_argument, NULL, LETTER_VA              \
	}
/* What every command answers, and the end. */
#define COMMON_OPTIONS                                            \
	{ "help", no_argument, NULL, LETTER_HELP },               \
		{ "version", no_argument, NULL, LETTER_VERSION }, \
	{                                                         \
		NULL, 0, NULL, 0                                  \
	}

/* Reads the command line; says on stderr what is wrong with it. */
enum status options_parse(struct options *options, const struct command *command, int argc,
			  char **argv);
/* Do the options say what memory to look at? Says what is wrong. */
bool options_name_memory(const struct options *options);
/* Do they say what to look at, memory or a recording? Says what is wrong. */
bool options_name_input(const struct options *options);

/* Values of options; each says on stderr what is wrong with the text, and answers false then. */
bool value_size(const char *option, const char *text, uint64_t *ret_size);
bool value_sizes(const char *option, const char *text, phyr_sizes *ret_sizes);
bool value_number(const char *option, const char *text, uint64_t max, uint64_t *ret_number);
bool value_fragment(const char *option, const char *text, struct fragment_wish *ret_wish);
bool value_path(const char *option, const char *text, const char **ret_path);
/* One of cnt words, by its number. */
bool value_word(const char *option, const char *text, const char *const *words, unsigned int cnt,
		unsigned int *ret_index);

/* One line on stderr: "phyrsim: " and the message. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A passing word on a terminal, which the next one or an empty one replaces. */
void progress(const char *word);
/* What could not be done, and why; STATUS_FAILURE. */
enum status fail(const char *what, int err);

/* Most buffers of this machine in one call. */
#define LIVE_MAX 3

/* What the tables are about: buffers, where they are from, what they took. */
struct input {
	struct phyr_recording *recording;
	const char *source;
	bool live;		    /* of this machine */
	uint64_t moved_cnt;	    /* pages that did not stay while they were looked at */
	double provide_s[LIVE_MAX]; /* [seconds] for each buffer when live; < 0: another's */
	double pin_s[LIVE_MAX];	    /* [seconds] for each buffer when live */
};

enum status input_open(struct input *input, const struct options *options);
/* Writes the recording to options->save, in the form that its name asks for. */
enum status input_save(const struct input *input, const struct options *options);
void input_close(struct input *input);

/* A buffer to look at: of another process if the options say so. */
struct wish {
	enum phyrsim_pages pages;
	uint64_t offset;   /* [bytes] */
	const char *title; /* NULL: by what it is */
};

/* Why there is nothing to show. */
struct live_error {
	struct phyrsim_buffer_error buffer;
	struct phyr_pin_error pin;
	bool pinning; /* the buffer was there */
};

/* Looks at memory and adds it to the recording; says so if pages did not stay. */
int live_look(struct input *input, const struct options *options, const struct wish *wish,
	      struct live_error *ret_error);
/* Says why live_look() failed; STATUS_FAILURE. */
enum status live_fail(const struct options *options, int err, const struct live_error *error);

/* Seconds on a clock that only goes forward. */
double seconds(void);

#endif
