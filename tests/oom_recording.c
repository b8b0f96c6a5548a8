/* SPDX-License-Identifier: MIT */
/*
 * Recordings when memory runs out: the Nth allocation fails, for N = 0, 1, 2 … until a run passes,
 * once alone and once with every later one. Each failure is PHYR_E_NOMEM, adds nothing, loses
 * nothing, and the same call passes when there is memory again.
 */
#define _XOPEN_SOURCE 700

#include <unistd.h>

#include <phyr/recording.h>

#include "test.h"

/* Buffers before each attempt: as many as the first table holds, so that one more needs another. */
#define START_CNT 8
/* Enough runs for several slabs and for a text that grows several times. */
#define RUN_CNT 5000

struct fixture {
	struct test_mem mem;		  /* fails when told to */
	struct phyr_recording *recording; /* allocated from it */
	char source[32];		  /* a file with a recording */
	char packed[32];		  /* a binary one */
	char target[32];		  /* a file to overwrite */
};

typedef int (*operation)(struct fixture *f);

/* Runs all over 16 TiB: most are a cluster of their own when places are hidden. */
static void add(struct phyr_recording *recording, uint64_t run_cnt)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_recording_buffer *buffer;

	assert_int_equal(phyr_recording_add(recording, "a buffer", &buffer), PHYR_OK);
	for (uint64_t n = 1; n <= run_cnt; n++) {
		uint64_t addr = (n * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
		struct phyr_range range = { { addr }, PHYR_PAGE_SIZE + n % 3 };

		assert_int_equal(phyr_list_append(&buffer->list, range, ram), PHYR_OK);
	}
}

static void make_file(char path[32])
{
	int fd;

	strcpy(path, "/tmp/phyr-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	make_file(f->source);
	make_file(f->packed);
	make_file(f->target);
	assert_int_equal(phyr_recording_create(&f->mem.mem, &f->recording), PHYR_OK);
	add(f->recording, 1);
	add(f->recording, RUN_CNT);
	assert_int_equal(phyr_recording_save(f->recording, f->source, PHYR_RECORDING_TEXT, NULL),
			 PHYR_OK);
	assert_int_equal(phyr_recording_save(f->recording, f->packed, PHYR_RECORDING_BINARY, NULL),
			 PHYR_OK);
	phyr_recording_destroy(f->recording);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->source) | unlink(f->packed) | unlink(f->target), 0);
	free(f);
	return 0;
}

static void assert_valid(const struct phyr_recording *recording)
{
	for (size_t i = 0; i < phyr_recording_cnt(recording); i++) {
		const struct phyr_list *list = &phyr_recording_buffer(recording, i)->list;

		assert_true(phyr_list_validate(list, NULL));
	}
}

static int run_with_failure(struct fixture *f, operation run, size_t fail_at, bool sticky)
{
	int err;

	f->mem.alloc_cnt = 0;
	f->mem.fail_at = fail_at;
	f->mem.sticky = sticky;
	f->mem.failed = false;
	err = run(f);
	f->mem.fail_at = SIZE_MAX;
	f->mem.sticky = false;
	return err;
}

/* One attempt whose Nth allocation fails; false when there is no Nth. */
static bool attempt(struct fixture *f, operation run, size_t fail_at, bool sticky)
{
	int err;

	assert_int_equal(phyr_recording_create(&f->mem.mem, &f->recording), PHYR_OK);
	for (size_t i = 0; i < START_CNT; i++)
		add(f->recording, 200);
	err = run_with_failure(f, run, fail_at, sticky);
	assert_int_equal(err, f->mem.failed ? PHYR_E_NOMEM : PHYR_OK);
	if (f->mem.failed) {
		assert_int_equal(phyr_recording_cnt(f->recording), START_CNT);
		assert_valid(f->recording);
		assert_int_equal(run(f), PHYR_OK);
	}
	assert_valid(f->recording);
	phyr_recording_destroy(f->recording);
	assert_int_equal(f->mem.live_cnt, 0);
	return f->mem.failed;
}

/* The least number of failures shows that the loop saw what it is for. */
static void survive(struct fixture *f, operation run, size_t failures_min)
{
	for (int sticky = 0; sticky < 2; sticky++) {
		size_t fail_at = 0;

		while (attempt(f, run, fail_at, sticky))
			fail_at++;
		assert_true(fail_at >= failures_min);
	}
}

static int create_another(struct fixture *f)
{
	struct phyr_recording *another = NULL;
	int err = phyr_recording_create(&f->mem.mem, &another);

	assert_int_equal(!another, !!err);
	phyr_recording_destroy(another);
	return err;
}

static void creating_survives_every_failure(void **state)
{
	survive(*state, create_another, 1);
}

static int add_another(struct fixture *f)
{
	struct phyr_recording_buffer *buffer = NULL;
	int err = phyr_recording_add(f->recording, "one more", &buffer);

	assert_int_equal(!buffer, !!err);
	return err;
}

static void adding_survives_every_failure(void **state)
{
	survive(*state, add_another, 2); /* the table and the buffer */
}

static int parse_text(struct fixture *f)
{
	static const char text[] = "phyr-recording 1\n"
				   "buffer a\nruns 1\n0x1000 1 system\nend\n"
				   "buffer b\nruns 1\n0x1000 1 system\nend\n";

	return phyr_recording_parse(f->recording, text, sizeof(text) - 1, NULL);
}

static void parsing_survives_every_failure(void **state)
{
	survive(*state, parse_text, 3); /* the table and two buffers */
}

static int load_file(struct fixture *f)
{
	return phyr_recording_load(f->recording, f->source, NULL);
}

static void loading_survives_every_failure(void **state)
{
	survive(*state, load_file, 10); /* texts, table, buffers, slabs */
}

static int save_file(struct fixture *f)
{
	return phyr_recording_save(f->recording, f->target, PHYR_RECORDING_TEXT, NULL);
}

static void saving_survives_every_failure(void **state)
{
	survive(*state, save_file, 2); /* a text that grows */
}

static int load_packed(struct fixture *f)
{
	return phyr_recording_load(f->recording, f->packed, NULL);
}

static void loading_a_binary_file_survives_every_failure(void **state)
{
	survive(*state, load_packed, 10); /* bytes, buffers, slabs */
}

static int save_packed(struct fixture *f)
{
	return phyr_recording_save(f->recording, f->target, PHYR_RECORDING_BINARY, NULL);
}

static void saving_a_binary_file_survives_every_failure(void **state)
{
	survive(*state, save_packed, 2); /* bytes that grow */
}

static int anonymise(struct fixture *f)
{
	return phyr_recording_anonymise(f->recording);
}

static void anonymising_survives_every_failure(void **state)
{
	survive(*state, anonymise, 2 + START_CNT); /* clusters twice, buffers */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(creating_survives_every_failure),
		CASE(adding_survives_every_failure),
		CASE(parsing_survives_every_failure),
		CASE(loading_survives_every_failure),
		CASE(saving_survives_every_failure),
		CASE(loading_a_binary_file_survives_every_failure),
		CASE(saving_a_binary_file_survives_every_failure),
		CASE(anonymising_survives_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
